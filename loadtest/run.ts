import { readArgs } from './run/args.ts';
import { HELP, LIST } from './run/help.ts';
import { runScenario } from './run/run-scenario.ts';
import { readSettings } from './run/settings.ts';

// npm run load: one k6 scenario against a cluster, with a report.

try {
  const settings = readSettings();
  const command = readArgs(process.argv.slice(2), settings.profile);
  switch (command.kind) {
    case 'help':
      console.log(`${HELP}\nScenarios:\n${LIST}`);
      break;
    case 'list':
      console.log(LIST);
      break;
    case 'run':
      process.exitCode = await runScenario(command, settings);
  }
} catch (error) {
  const { name, message } = error as Error;
  if (name === 'UsageError' || name === 'EnvironmentError') {
    console.error(`${message}\n"npm run load -- --help" says more`);
    process.exitCode = 2;
  } else if (name === 'K6MissingError') {
    console.error(message);
    process.exitCode = 127;
  } else throw error;
}
