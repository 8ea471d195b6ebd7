/** A piece of a message: plain text, or text that links to `href` (always http: or https:). */
export interface Piece {
  text: string;
  href?: string;
}

const CANDIDATE = /\b(?:https?:\/\/|www\.)[^\s<>"'`\u202a-\u202e\u2066-\u2069]+/gi;
const CLOSING: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** Cuts a message into text and links. The pieces' texts joined are the message, unchanged. */
export function linkify(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(CANDIDATE)) {
    const link = trimEnd(match[0]);
    const href = safeHref(link);
    if (!href) continue;
    if (match.index > done) pieces.push({ text: text.slice(done, match.index) });
    pieces.push({ text: link, href });
    done = match.index + link.length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done) });
  return pieces;
}

/** Punctuation after a link belongs to the sentence, and so does a bracket that the link does not open. */
function trimEnd(link: string): string {
  // Counted once: counting anew for each character would make a link of brackets cost the square of its length.
  const counts = new Map<string, number>();
  for (const character of link) counts.set(character, (counts.get(character) ?? 0) + 1);
  const count = (character: string) => counts.get(character) ?? 0;
  let end = link.length;
  for (; end > 0; end--) {
    const last = link[end - 1]!;
    const opening = CLOSING[last];
    const trims = opening === undefined ? '.,;:!?*_~…'.includes(last) : count(last) > count(opening);
    if (!trims) break;
    counts.set(last, count(last) - 1);
  }
  return link.slice(0, end);
}

function safeHref(link: string): string | undefined {
  const address = /^www\./i.test(link) ? `https://${link}` : link;
  if (!URL.canParse(address)) return undefined;
  const { protocol, href } = new URL(address);
  return protocol === 'http:' || protocol === 'https:' ? href : undefined;
}
