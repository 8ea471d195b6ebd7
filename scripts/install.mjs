import { checkMachine, checkNativeModules, installDependencies, RequirementError } from './dependencies.mjs';

// Checks Node, installs the npm packages where they are missing, and checks that those with a binary load.

try {
  checkMachine();
  installDependencies();
  checkNativeModules();
} catch (error) {
  console.error(error instanceof RequirementError ? error.message : error);
  process.exit(1);
}
