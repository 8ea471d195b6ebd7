const MARK = 0x7e;
const COLON = 0x3a;
const POINT = 0x2e;
const ZERO = 0x30;
/** Values of hexadecimal digits by their character code. */
const HEX = new Uint8Array(256);
for (const [value, digit] of [...'0123456789abcdef'].entries()) HEX[digit.charCodeAt(0)] = value;

/** A number of as many hexadecimal digits. */
export function hex(bytes: Buffer, start: number, digits: number): number {
  let value = 0;
  for (let index = start; index < start + digits; index++) value = value * 16 + HEX[bytes[index]!]!;
  return value;
}

/** Where the mark of a message's text stands in a frame; -1 when there is none. */
export function findMark(bytes: Buffer, start: number, end: number): number {
  const at = bytes.indexOf(MARK, start);
  return at >= 0 && at + 27 <= end ? at : -1;
}

/** The date before `,"message":"~` in microseconds; undefined when it does not stand there with six decimals. */
export function dateBefore(bytes: Buffer, start: number, mark: number): number | undefined {
  if (mark - start < 30 || bytes[mark - 30] !== COLON || bytes[mark - 19] !== POINT) return undefined;
  let date = 0;
  for (let at = mark - 29; at < mark - 12; at++) if (at !== mark - 19) date = date * 10 + (bytes[at]! - ZERO);
  return date;
}

/** A client's frame; its mask is of zeros, which leaves the bytes as they are. */
export function clientFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head = length < 126 ? 6 : 8;
  const frame = Buffer.alloc(head + length);
  frame[0] = 0x80 | opcode;
  if (length < 126) frame[1] = 0x80 | length;
  else {
    frame[1] = 0x80 | 126;
    frame.writeUInt16BE(length, 2);
  }
  payload.copy(frame, head);
  return frame;
}

/**
 * Walks over the whole frames in the bytes.
 *
 * @param take is called with opcode and place of each payload; false ends the walk
 * @returns where what is not whole begins
 */
export function walkFrames(
  bytes: Buffer,
  take: (opcode: number, start: number, end: number) => boolean,
): number {
  let at = 0;
  while (bytes.length - at >= 2) {
    let length = bytes[at + 1]! & 127;
    let head = 2;
    if (length === 126) {
      if (bytes.length - at < 4) break;
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    } else if (length === 127) {
      if (bytes.length - at < 10) break;
      length = Number(bytes.readBigUInt64BE(at + 2));
      head = 10;
    }
    const end = at + head + length;
    if (end > bytes.length) break;
    if (!take(bytes[at]! & 15, at + head, end)) return bytes.length;
    at = end;
  }
  return at;
}
