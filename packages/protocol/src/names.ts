import { LIMITS } from './limits.ts';

// Control, format-less separators and lone surrogates; bidi controls would let a name disguise another.
const FORBIDDEN = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

/**
 * A user's or room's name as it is stored: NFC, trimmed, 1 to 32 code points, no control characters. Names are
 * compared exactly, as the tutorial's servers do, so "Joe" and "joe" are two users.
 *
 * @returns undefined when it cannot be a name.
 */
export function normalizeName(value: unknown): string | undefined {
  if (typeof value !== 'string' || FORBIDDEN.test(value)) return undefined;
  const name = value.normalize('NFC').trim();
  const { min, max } = LIMITS.nameCharacters;
  const length = [...name].length;
  return length >= min && length <= max ? name : undefined;
}

/** True for a new password that bcrypt can hash all of: 8 to 72 bytes of UTF-8 without NUL. */
export function isPassword(value: unknown): value is string {
  if (typeof value !== 'string' || value.includes('\0')) return false;
  const bytes = utf8Length(value);
  return bytes >= LIMITS.passwordBytes.min && bytes <= LIMITS.passwordBytes.max;
}

/** Bytes of a string in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00 && index + 1 < text.length) {
      bytes += 4;
      index++;
    } else bytes += 3;
  }
  return bytes;
}
