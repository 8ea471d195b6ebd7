import { checkMachine, checkNativeModules, installDependencies, RequirementError } from './dependencies.mjs';

// npm test: everything that the tests need, then all of them.
//   npm test                          all
//   npm test -- unit                  one project: unit, integration, e2e or containers
//   npm test -- packages/store -t x   whatever `vitest run` takes

try {
  checkMachine();
  installDependencies();
  checkNativeModules();
  const { register } = await import('tsx/esm/api');
  register();
  const { runTests } = await import('./run-tests.ts');
  process.exit(await runTests(process.argv.slice(2)));
} catch (error) {
  console.error(
    error instanceof RequirementError || error?.name === 'ProgramMissingError' ? error.message : error,
  );
  process.exit(1);
}
