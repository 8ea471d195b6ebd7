import type { UserId } from '@chat/protocol';
import { fullLabel, marginLabel, timeLabel } from '../model/dates.ts';
import { linkify } from '../model/linkify.ts';
import type { Outgoing, Room } from '../model/room.ts';
import type { Row } from '../model/timeline.ts';
import { Avatar } from './Avatar.tsx';
import { useChat } from './context.ts';
import { memo } from './memo.ts';

interface MessageGroupProps {
  room: Room;
  from: UserId;
  date: number | undefined;
  rows: readonly Row[];
}

/** Messages of one sender that follow each other. */
export function MessageGroup({ room, from, date, rows }: MessageGroupProps) {
  const { me, people } = useChat();
  const name = people.name(from);
  const own = from === me.id;
  const lastSent = rows.findLast((row) => !row.outgoing);
  return (
    <article class={own ? 'group own' : 'group'}>
      <Avatar id={from} name={name} />
      <div class="group-body">
        <h3>
          <span class="from" dir="auto">
            {name}
          </span>
          {date !== undefined && <time title={fullLabel(date)}>{timeLabel(date)}</time>}
        </h3>
        {rows.map((row) => (
          <MessageRow
            key={row.key}
            id={row.key}
            room={room}
            text={row.text}
            date={row.date}
            sent={own && row === lastSent}
            outgoing={row.outgoing}
          />
        ))}
      </div>
    </article>
  );
}

interface MessageRowProps {
  id: string;
  room: Room;
  text: string;
  date: number | undefined;
  /** Shows that the server has stored it. */
  sent: boolean;
  outgoing: Outgoing | undefined;
}

const MessageRow = memo(function MessageRow({ id, room, text, date, sent, outgoing }: MessageRowProps) {
  return (
    <div class={outgoing ? `row ${outgoing.state}` : 'row'} data-key={id}>
      {date !== undefined && (
        <time class="row-time" title={fullLabel(date)}>
          {marginLabel(date)}
        </time>
      )}
      <p class="text" dir="auto">
        <Text text={text} />
        {sent && <Sent />}
      </p>
      {outgoing && <Fate room={room} outgoing={outgoing} />}
    </div>
  );
});

/** Text and links, each in a node of its own: nothing of a message is ever read as HTML. */
function Text({ text }: { text: string }) {
  return (
    <span>
      {linkify(text).map((piece, index) =>
        piece.href ? (
          <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </span>
  );
}

function Sent() {
  return (
    <span class="sent" role="img" aria-label="Sent" title="Sent">
      ✓
    </span>
  );
}

function Fate({ room, outgoing }: { room: Room; outgoing: Outgoing }) {
  const { sending } = useChat();
  if (outgoing.state === 'sending') return <span class="pending">Sending…</span>;
  return (
    <p class="failed-line" role="alert">
      Not sent: {outgoing.reason}.{' '}
      <button type="button" class="text-button" onClick={() => sending.retry(room, outgoing)}>
        Retry
      </button>{' '}
      <button type="button" class="text-button" onClick={() => sending.discard(room, outgoing.key)}>
        Discard
      </button>
    </p>
  );
}
