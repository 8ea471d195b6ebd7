import type { UserId } from '@chat/protocol';
import type { ComponentChildren } from 'preact';

const HUES = 8;

interface AvatarProps {
  id: UserId;
  name: string;
  small?: boolean;
  /** A dot that says whether the user is online. */
  children?: ComponentChildren;
}

/** The first character of a name on a colour of the user's own. */
export function Avatar({ id, name, small, children }: AvatarProps) {
  return (
    <span class={`avatar hue-${id % HUES}${small ? ' small' : ''}`} aria-hidden="true">
      {firstCharacter(name)}
      {children}
    </span>
  );
}

export function OnlineDot({ online }: { online: boolean }) {
  return <span class={online ? 'dot online' : 'dot'} />;
}

// A flag or a family is one character of many code points.
const characters = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

function firstCharacter(name: string): string {
  const [first] = characters.segment(name);
  return first?.segment.toUpperCase() ?? '';
}
