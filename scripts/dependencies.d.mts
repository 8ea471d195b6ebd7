type Packages = Record<
  string,
  { version?: string; optional?: boolean; devOptional?: boolean; link?: boolean }
>;

/** A requirement is not met; the message says in one line what to do. */
export class RequirementError extends Error {}

/** Throws RequirementError where uWebSockets.js has no binary for this Node on this system. */
export function checkMachine(machine?: { node: string; platform: string; glibc: string | undefined }): void;

/** Runs `npm ci` when node_modules is missing or holds something else than package-lock.json. */
export function installDependencies(log?: (line: string) => void): void;

/** Throws RequirementError when a module with a binary does not load on this machine. */
export function checkNativeModules(): void;

/** Whether every package of the lock file is there in its version. */
export function installed(wanted: Packages | undefined, present: Packages | undefined): boolean;
