import { createRequire } from 'node:module';
import { RequirementError } from '../../../../scripts/dependencies.mjs';

const require = createRequire(import.meta.url);
const ADDONS = ['bufferutil', 'utf-8-validate'] as const;

/**
 * Loads what the guides of Socket.IO tell to install beside ws. ws takes bufferutil; of utf-8-validate it has no need on
 * Node 18.14 or newer, which checks UTF-8 itself. Both bring a binary for the usual platforms, and where there is none
 * bufferutil works in JavaScript without a word.
 *
 * @throws RequirementError that names those that are missing or not native
 */
export function requireAddons(): void {
  const missing = ADDONS.filter((name) => !isNative(name));
  if (missing.length === 0) return;
  throw new RequirementError(
    `Socket.IO would be measured without its native addons: ${missing.join(', ')} cannot be loaded on ` +
      `${process.platform}-${process.arch} ("npm ci" installs them, --no-peers measures without Socket.IO)`,
  );
}

function isNative(name: (typeof ADDONS)[number]): boolean {
  try {
    const addon = require(name);
    const part: unknown = name === 'bufferutil' ? addon.mask : addon;
    return /\[native code\]/.test(String(part));
  } catch {
    return false;
  }
}
