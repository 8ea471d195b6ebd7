import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { dayLabel } from '../model/dates.ts';
import type { Gap, Room } from '../model/room.ts';
import { type Item, timeline } from '../model/timeline.ts';
import { indexFrom, inView } from '../model/view-window.ts';
import { useChat } from './context.ts';
import { GapMarker } from './GapMarker.tsx';
import { Icon } from './Icon.tsx';
import { MessageGroup } from './MessageGroup.tsx';
import { Scroller } from './scroller.ts';

/** Of more new messages than these, not all are kept: they cannot be counted. */
const MOST_COUNTED = 999;

/** The messages of a room; of thousands, those around what is in sight are in the page alone. */
export function Timeline({ room }: { room: Room }) {
  const chat = useChat();
  const element = useRef<HTMLElement>(null);
  const scroller = useMemo(() => new Scroller(chat, room), [chat, room]);
  chat.rooms.version(room.id);
  const items = useItems(room, scroller);

  // The page still shows what was there before.
  scroller.remember();
  useLayoutEffect(() => scroller.settle());
  useEffect(() => {
    const detach = scroller.attach(element.current!);
    scroller.settle();
    return detach;
  }, [scroller]);

  return (
    <div class="timeline-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable for the arrow keys. */}
      <section ref={element} class="timeline" tabIndex={0} aria-label="Messages" onScroll={scroller.look}>
        <div class="timeline-inner">
          <Start room={room} />
          {items.map((item) => (
            <Entry key={item.key} item={item} room={room} onFill={scroller.fill} />
          ))}
        </div>
      </section>
      {scroller.isAway && (
        <button type="button" class="jump" onClick={scroller.toEnd}>
          <Icon name="down" />
          {wordsFor(scroller.arrived)}
        </button>
      )}
    </div>
  );
}

function useItems(room: Room, { view }: Scroller): Item[] {
  const { reading, me } = useChat();
  const divider = reading.divider.value;
  return timeline({
    messages: inView(room.messages, view),
    outgoing: view.end === Number.POSITIVE_INFINITY ? room.outgoing : [],
    gaps: room.gaps,
    me: me.id,
    before: room.messages[indexFrom(room.messages, view.start) - 1],
    firstUnread: divider === undefined ? undefined : room.firstUnread(divider, me.id),
  });
}

function wordsFor(arrived: number): string {
  if (arrived === 0) return 'Newest messages';
  if (arrived > MOST_COUNTED) return `${MOST_COUNTED}+ new messages`;
  return arrived === 1 ? '1 new message' : `${arrived} new messages`;
}

function Entry({ item, room, onFill }: { item: Item; room: Room; onFill(gap: Gap): Promise<void> }) {
  switch (item.kind) {
    case 'day':
      return (
        <h2 class="day">
          <span>{dayLabel(item.date)}</span>
        </h2>
      );
    case 'unread':
      return (
        <p class="unread-line" data-unread>
          <span>New</span>
        </p>
      );
    case 'gap':
      return <GapMarker gap={item.gap} onFill={onFill} />;
    case 'group':
      return <MessageGroup room={room} from={item.from} date={item.date} rows={item.rows} />;
  }
}

/** What stands above the oldest message. */
function Start({ room }: { room: Room }) {
  const { history } = useChat();
  if (room.problem) {
    return (
      <p class="start" role="alert">
        Messages could not be read: {room.problem}.{' '}
        <button type="button" class="text-button" onClick={() => void history.older(room)}>
          Try again
        </button>
      </p>
    );
  }
  if (history.isBusy(room) || !room.loaded) return <p class="start">Loading…</p>;
  if (!room.complete) return <p class="start"> </p>;
  const isEmpty = room.messages.length === 0;
  return <p class="start">{isEmpty ? 'Nothing here yet. Say hello!' : 'This is where the room begins.'}</p>;
}
