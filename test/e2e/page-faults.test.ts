import { ChatApi } from '@chat/client';
import { GENERAL } from '@chat/protocol';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { enter, field, inRoom, message, newName, say, sayMany, useCluster } from './page-browser.ts';

const on = useCluster();

/** What the browser logs by itself while a server is away. */
const AWAY = /WebSocket connection to|Failed to load resource: .*50[234]/;

/** Each test begins with a cluster that the one before left whole; the gateway sees that only at its next checks. */
beforeEach(async () => {
  const paths = ['/randomname', '/users/online', '/replica/1/', '/replica/2/', '/replica/3/'];
  const answers = () =>
    Promise.all(paths.map(async (path) => (await fetch(new URL(path, on.browser.url))).status));
  await expect.poll(answers).toEqual([200, 401, 200, 200, 200]);
});

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
    const writer = await on.browser.newClient();
    const { id, name } = await writer.api.createRoom(newName('gap'));
    await writer.chat.send(id, 'line before');
    const page = await on.browser.open(`/replica/2/#/room/${id}`, { expected: AWAY });
    await enter(page, writer.name);
    await inRoom(page, name!);
    await message(page, 'line before').waitFor();
    await on.cluster.killReplica(1);
    const lines = Array.from({ length: 650 }, (_, index) => `line ${index} of ${id}`);
    // The writer may have been on the replica that is gone; the client sends when it has another.
    await sayMany(writer, id, lines);
    await on.cluster.startReplica(1);
    await message(page, `line 649 of ${id}`).waitFor();

    const list = page.getByRole('region', { name: 'Messages' });
    const load = page.getByRole('button', { name: 'Messages are missing here. Load them' });
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
    const writer = await on.browser.newClient();
    const { id, name } = await writer.api.createRoom(newName('gap'));
    await writer.chat.send(id, 'line before');
    const page = await on.browser.open(`/replica/2/#/room/${id}`, {
      expected: AWAY,
      viewport: { width: 1280, height: 3000 },
    });
    await enter(page, writer.name);
    await inRoom(page, name!);
    await message(page, 'line before').waitFor();
    await on.cluster.killReplica(1);
    await sayMany(
      writer,
      id,
      Array.from({ length: 650 }, (_, index) => `line ${index} of ${id}`),
    );
    await on.cluster.startReplica(1);
    await message(page, `line 649 of ${id}`).waitFor();
    await page.getByRole('button', { name: 'Messages are missing here. Load them' }).click();
    await message(page, `line 99 of ${id}`).waitFor();
    const first = await message(page, 'line before').boundingBox();
    expect(first!.y).toBeGreaterThan(0);
    expect(first!.y).toBeLessThan(3000);
    await page.getByRole('button', { name: /Newest messages/ }).click();
    await message(page, `line 649 of ${id}`).waitFor();
    await expect.poll(() => page.getByRole('button', { name: /Newest messages/ }).count()).toBe(0);
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
