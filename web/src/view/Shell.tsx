import { type Signal, useSignal } from '@preact/signals';
import { useCallback, useEffect } from 'preact/hooks';
import { AddRoom } from './AddRoom.tsx';
import { Conversation } from './Conversation.tsx';
import { useChat } from './context.ts';
import { peopleInDrawer, roomsInDrawer } from './media.ts';
import { Panel } from './Panel.tsx';
import { People } from './People.tsx';
import { Sidebar } from './Sidebar.tsx';

export type Drawer = 'rooms' | 'people' | undefined;

/** The chat's three columns; where there is no room for them, the outer ones are drawers. */
export function Shell() {
  const chat = useChat();
  const drawer = useSignal<Drawer>(undefined);
  const adding = useSignal(false);
  useCloseOnChange(drawer, chat.reading.openId.value);
  const close = useCallback(() => {
    drawer.value = undefined;
  }, [drawer]);

  return (
    <div class="shell">
      <Panel
        name="rooms"
        label="Rooms"
        drawer={roomsInDrawer.value}
        open={drawer.value === 'rooms'}
        onClose={close}
      >
        <Sidebar onAdd={() => (adding.value = true)} onChoose={close} />
      </Panel>
      <Conversation openDrawer={(which) => (drawer.value = which)} covered={drawer.value !== undefined} />
      <Panel
        name="people"
        label="People online"
        drawer={peopleInDrawer.value}
        open={drawer.value === 'people'}
        onClose={close}
      >
        <People />
      </Panel>
      {adding.value && <AddRoom onClose={() => (adding.value = false)} />}
      <p class="hidden" aria-live="polite">
        {chat.announcement.value}
      </p>
    </div>
  );
}

/** Choosing a room closes the drawer it was chosen in. */
function useCloseOnChange(drawer: Signal<Drawer>, openId: string): void {
  useEffect(() => {
    drawer.value = undefined;
  }, [drawer, openId]);
}
