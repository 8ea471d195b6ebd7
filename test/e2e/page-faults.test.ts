import { ChatApi } from '@chat/client';
import { GENERAL, type RoomId } from '@chat/protocol';
import type { Page, WebSocketRoute } from 'playwright-core';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  type Client,
  enter,
  field,
  inRoom,
  message,
  newName,
  say,
  sayMany,
  useCluster,
} from './page-browser.ts';

const on = useCluster();

/** What the browser logs by itself while a server is away. */
const AWAY = /WebSocket connection to|Failed to load resource: .*50[234]/;

/**
 * Each test begins with a cluster that the one before left whole; the gateway sees that only at its next checks, and a
 * service that was without Redis for a moment may be without it still.
 */
beforeEach(async () => {
  const baseUrl = on.browser.url;
  const name = newName('probe');
  const isWhole = async () => {
    const { token } = await new ChatApi({ baseUrl }).login(name, 'password123');
    await new ChatApi({ baseUrl, token }).online();
    const pages = await Promise.all([1, 2, 3].map((n) => fetch(`${baseUrl}/replica/${n}/`)));
    return pages.every(({ ok }) => ok);
  };
  await expect.poll(() => isWhole().catch(() => false)).toBe(true);
});

interface Line {
  cut(): void;
  mend(): void;
}

/** The page's line to the server, which can be cut; to be asked for before the page connects. */
async function cuttable(page: Page): Promise<Line> {
  const sockets = new Set<WebSocketRoute>();
  let broken = false;
  await page.routeWebSocket(/\/ws/, (socket) => {
    if (broken) {
      void socket.close();
      return;
    }
    socket.connectToServer();
    sockets.add(socket);
  });
  return {
    cut() {
      broken = true;
      for (const socket of sockets) void socket.close();
      sockets.clear();
    },
    mend() {
      broken = false;
    },
  };
}

/** Holds back the answer to the page's next request with such an address. */
async function held(page: Page, url: RegExp): Promise<{ asked: Promise<unknown>; release(): Promise<void> }> {
  let letGo = () => {};
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  await page.route(
    url,
    async (route) => {
      await released;
      await route.continue();
    },
    { times: 1 },
  );
  const answered = page.waitForResponse(url);
  return {
    asked: page.waitForRequest(url),
    async release() {
      letGo();
      await (await answered).finished();
    },
  };
}

/** Messages that a resume does not bring. */
const MANY = 650;
const many = (text: (index: number) => string) => Array.from({ length: MANY }, (_, index) => text(index));

/** A page of somebody who may write beside it, in a room of its own with a single message. */
async function openRoom(
  address = '/',
  viewport?: { width: number; height: number },
): Promise<{ page: Page; writer: Client; id: RoomId; line: Line }> {
  const writer = await on.browser.newClient();
  const { id, name } = await writer.api.createRoom(newName('gap'));
  await writer.chat.send(id, 'line before');
  const page = await on.browser.open(`${address}#/room/${id}`, {
    expected: AWAY,
    ...(viewport && { viewport }),
  });
  const line = await cuttable(page);
  await enter(page, writer.name);
  await inRoom(page, name!);
  await message(page, 'line before').waitFor();
  return { page, writer, id, line };
}

const loadButton = (page: Page) => page.getByRole('button', { name: 'Messages are missing here. Load them' });

describe('a replica that is killed', () => {
  test('lets the page wait, and what was written and missed comes when it is back', async () => {
    const name = newName();
    const page = await on.browser.signIn(name, '/replica/3/', { expected: AWAY });
    const other = await on.browser.newClient();
    await say(page, `before ${name}`);
    await on.cluster.killReplica(2);
    onTestFinished(async () => {
      if (!on.cluster.realtime[2]?.running) await on.cluster.startReplica(2);
    });
    await page
      .getByRole('status')
      .getByText(/No connection. Reconnecting/)
      .waitFor();
    await field(page).fill(`meanwhile ${name}`);
    await field(page).press('Enter');
    await page.locator('.row.sending', { hasText: `meanwhile ${name}` }).waitFor();
    await other.chat.send(GENERAL, `missed by ${name}`);
    await on.cluster.startReplica(2);
    await message(page, `meanwhile ${name}`).waitFor();
    await message(page, `missed by ${name}`).waitFor();
    await page.getByRole('status').waitFor({ state: 'detached' });
    expect(await page.locator('.text', { hasText: `meanwhile ${name}` }).count()).toBe(1);
  });

  test('leaves a gap after more messages than a resume brings, which the page fills on demand', async () => {
    const { page, writer, id } = await openRoom('/replica/2/');
    await on.cluster.killReplica(1);
    const lines = many((index) => `line ${index} of ${id}`);
    // The writer may have been on the replica that is gone; the client sends when it has another.
    await sayMany(writer, id, lines);
    await on.cluster.startReplica(1);
    await message(page, `line 649 of ${id}`).waitFor();

    const list = page.getByRole('region', { name: 'Messages' });
    const load = loadButton(page);
    let loads = 0;
    await expect
      .poll(
        async () => {
          if ((await load.isVisible()) && ++loads) await load.click();
          await list.evaluate((element) => {
            element.scrollTop -= 1200;
          });
          return list.locator('.text').first().textContent();
        },
        { timeout: 60_000, interval: 100 },
      )
      .toContain('line before');
    // All of them are there now: walk down and collect.
    const seen = new Set<string>();
    await expect
      .poll(
        async () => {
          for (const text of await list.locator('.text').allTextContents()) seen.add(text.replace('✓', ''));
          if ((await load.isVisible()) && ++loads) await load.click();
          await list.evaluate((element) => {
            element.scrollTop += 1500;
          });
          return lines.filter((line) => !seen.has(line)).length;
        },
        { timeout: 60_000, interval: 100 },
      )
      .toBe(0);
    expect(loads).toBeGreaterThan(1);
  });
});

describe('a gap in sight of the newest message', () => {
  test('is filled below what one reads, which stays in sight', async () => {
    const { page, writer, id } = await openRoom('/replica/2/', { width: 1280, height: 3000 });
    await on.cluster.killReplica(1);
    await sayMany(
      writer,
      id,
      many((index) => `line ${index} of ${id}`),
    );
    await on.cluster.startReplica(1);
    await message(page, `line 649 of ${id}`).waitFor();
    await loadButton(page).click();
    await message(page, `line 99 of ${id}`).waitFor();
    const first = await message(page, 'line before').boundingBox();
    expect(first!.y).toBeGreaterThan(0);
    expect(first!.y).toBeLessThan(3000);
    await page.getByRole('button', { name: /Newest messages/ }).click();
    await message(page, `line 649 of ${id}`).waitFor();
    await expect.poll(() => page.getByRole('button', { name: /Newest messages/ }).count()).toBe(0);
  });
});

describe('two gaps in sight that are filled at once', () => {
  test('leave what one reads in sight', async () => {
    const { page, writer, id, line } = await openRoom('/', { width: 1280, height: 3500 });
    for (const round of ['first', 'second']) {
      line.cut();
      await sayMany(
        writer,
        id,
        many((index) => `${round} ${index} of ${id}`),
      );
      line.mend();
      await message(page, `${round} 649 of ${id}`).waitFor();
    }
    const load = loadButton(page);
    await expect.poll(() => load.count()).toBe(2);
    // There is room for what fills the one, and not for what fills both.
    const rows = page.locator('.row');
    const [top, bottom] = await Promise.all([rows.first().boundingBox(), rows.last().boundingBox()]);
    const height = (bottom!.y - top!.y) / (await rows.count());
    await page.setViewportSize({ width: 1280, height: Math.round(260 * height) });

    const [upper, lower] = await load.all();
    const second = await held(page, /[?&]after=/);
    await lower!.click();
    await second.asked;
    await upper!.click();
    await message(page, `first 99 of ${id}`).waitFor();
    await second.release();
    await page.getByRole('button', { name: /Newest messages/ }).waitFor();
    const first = await message(page, 'line before').boundingBox();
    expect(first!.y).toBeGreaterThan(0);
  });
});

describe('a gap that is filled late', () => {
  test('leaves the room unread that was opened meanwhile', async () => {
    const other = await on.browser.newClient();
    const { page, writer, id, line } = await openRoom();
    line.cut();
    await sayMany(
      writer,
      id,
      many((index) => `line ${index} of ${id}`),
    );
    line.mend();
    await message(page, `line 649 of ${id}`).waitFor();
    const unread = Array.from({ length: 80 }, (_, index) => `unread ${index} beside ${id}`);
    await sayMany(other, GENERAL, unread);
    const general = page.getByRole('navigation').getByRole('link', { name: 'General' });
    const badge = general.locator('.badge', { hasText: `${unread.length}` });
    await badge.waitFor();

    const answer = await held(page, /[?&]after=/);
    await loadButton(page).click();
    await answer.asked;
    await general.click();
    await inRoom(page, 'General');
    await page.getByText('New', { exact: true }).waitFor();
    await answer.release();
    // Longer than it takes the page to draw what came.
    await page.waitForTimeout(500);
    expect(await badge.count()).toBe(1);
    await page.getByRole('button', { name: /new messages|Newest messages/ }).click();
    await badge.waitFor({ state: 'detached' });
  });
});

describe('Redis away', () => {
  test('is said, and what was written goes out when it is back', async () => {
    const name = newName();
    const page = await on.browser.signIn(name, '/', { expected: AWAY });
    await say(page, `before ${name}`);
    await on.cluster.killRedis();
    await field(page).fill(`queued ${name}`);
    await field(page).press('Enter');
    await page
      .getByRole('status')
      .getByText(/database is away/)
      .waitFor();
    await on.cluster.startRedis();
    await message(page, `queued ${name}`).waitFor();
    await page.getByRole('status').waitFor({ state: 'detached' });
  });
});

describe('a message that the server refuses', () => {
  test('is shown as not sent, and can be sent again or discarded', async () => {
    const page = await on.browser.open('/replica/1/');
    let refuse = true;
    await page.routeWebSocket(/\/ws/, (socket) => {
      const server = socket.connectToServer();
      socket.onMessage((frame) => {
        const { type, cid } = JSON.parse(String(frame));
        if (type !== 'message' || !refuse) return server.send(frame);
        const error = { code: 'room_forbidden', message: 'this room is not yours', cid };
        socket.send(JSON.stringify({ type: 'error', data: error }));
      });
    });
    const name = newName();
    await enter(page, name);
    for (const text of [`first ${name}`, `second ${name}`]) {
      await field(page).fill(text);
      await field(page).press('Enter');
      await page
        .locator('.row.failed', { hasText: text })
        .getByText(/Not sent: this room is not yours/)
        .waitFor();
    }
    refuse = false;
    const row = (text: string) => page.locator('.row.failed', { hasText: text });
    await row(`first ${name}`).getByRole('button', { name: 'Discard' }).click();
    await row(`first ${name}`).waitFor({ state: 'detached' });
    await row(`second ${name}`).getByRole('button', { name: 'Retry' }).click();
    await message(page, `second ${name}`).waitFor();
  });
});

describe('a session that ends', () => {
  test('by signing out in another tab leads to the card with a clear line, and back in from there', async () => {
    const name = newName();
    const page = await on.browser.signIn(name, '/replica/1/');
    const tab = await page.context().newPage();
    await tab.goto(new URL('/replica/2/', on.browser.url).href);
    await inRoom(tab, 'General');
    await tab.getByRole('button', { name: 'Sign out' }).click();
    await tab.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await page.getByText(/Your session has ended/).waitFor();
    expect(await page.getByLabel('Name', { exact: true }).inputValue()).toBe(name);
    // One sign-in serves all tabs.
    await enter(tab, name);
    await inRoom(page, 'General');
  });

  test('without a tab of its own knowing leads there as well', async () => {
    const name = newName();
    const page = await on.browser.signIn(name, '/', { expected: /401 \(Unauthorized\)/ });
    const [cookie] = await page.context().cookies();
    const api = new ChatApi({ baseUrl: on.browser.url, token: cookie!.value });
    await api.logout();
    await page.getByText(/Your session has ended/).waitFor();
  });
});
