import { spawnSync } from 'node:child_process';

// The docker command as the image scripts use it.

/**
 * @param {string[]} args
 * @param {{ input?: string, quiet?: boolean }} [options] quiet: nothing is shown unless it fails
 * @throws Error with the last lines of its output when it fails
 */
export function docker(args, options) {
  return run('docker', args, options);
}

/**
 * Runs a command to its end and returns what it printed.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ input?: string, quiet?: boolean, cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 */
export function run(command, args, { input, quiet = true, cwd, env } = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, {
    input,
    cwd,
    env: env ?? process.env,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['pipe', quiet ? 'pipe' : 'inherit', quiet ? 'pipe' : 'inherit'],
  });
  if (error) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status === 0) return stdout?.trim() ?? '';
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').slice(-15).join('\n');
  throw new Error(`${command} ${args.slice(0, 3).join(' ')} … failed:\n${lines}`);
}

/** Whether a Docker engine answers. */
export function dockerAnswers() {
  return (
    spawnSync('docker', ['version', '--format', '{{.Server.Version}}'], { stdio: 'ignore' }).status === 0
  );
}

/** @param {string} image */
export function imageExists(image) {
  return spawnSync('docker', ['image', 'inspect', image], { stdio: 'ignore' }).status === 0;
}

/** Bytes of an image with all its layers. @param {string} image */
export function imageBytes(image) {
  return Number(docker(['image', 'inspect', '--format', '{{.Size}}', image]));
}

/** Ends the process with one line on stderr. @param {unknown} error */
export function fail(error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
