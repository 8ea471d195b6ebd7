import { request } from 'node:http';
import { brotliDecompressSync } from 'node:zlib';
import type { Locator } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { enter, field, inRoom, message, newName, say, sayMany, useCluster } from './page-browser.ts';

const on = useCluster();

describe('two users on two replicas', () => {
  test('chat with each other, each on the replica that the address names', async () => {
    const [annName, bobName] = [newName('ann'), newName('bob')];
    const ann = await on.browser.signIn(annName, '/replica/1/');
    const bob = await on.browser.signIn(bobName, '/replica/2/');
    await say(ann, `hello from ${annName}`);
    await message(bob, `hello from ${annName}`).waitFor();
    await say(bob, `hello back from ${bobName} 👋`);
    await message(ann, `hello back from ${bobName} 👋`).waitFor();
    expect(await message(ann, `hello from ${annName}`).count()).toBe(1);
    expect(await message(ann, `hello from ${annName}`).getByRole('img', { name: 'Sent' }).count()).toBe(1);
    const servers = [ann, bob].map((page) => page.locator('.status .server').textContent());
    expect(await Promise.all(servers)).toEqual([
      on.cluster.realtime[0]?.serverId,
      on.cluster.realtime[1]?.serverId,
    ]);
  });

  test('see each other type, come and go', async () => {
    const [annName, bobName] = [newName('ann'), newName('bob')];
    const ann = await on.browser.signIn(annName, '/replica/1/');
    const bob = await on.browser.signIn(bobName, '/replica/3/');
    const bobInList = ann.getByRole('button', { name: bobName, exact: true });
    await bobInList.waitFor();
    await field(bob).pressSequentially('well');
    await ann.getByText(`${bobName} is typing…`).waitFor();
    await bob.getByRole('button', { name: 'Sign out' }).click();
    await bob.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await bobInList.waitFor({ state: 'detached' });
  });

  test('have a private room after one has chosen the other among those online', async () => {
    const [annName, bobName] = [newName('ann'), newName('bob')];
    const ann = await on.browser.signIn(annName, '/replica/1/');
    const bob = await on.browser.signIn(bobName, '/replica/2/');
    await ann.getByRole('button', { name: bobName, exact: true }).click();
    await inRoom(ann, bobName);
    await say(ann, 'just the two of us');
    const room = bob.getByRole('navigation').getByRole('link', { name: annName });
    await room.getByText('just the two of us').waitFor();
    await room.locator('.badge', { hasText: '1' }).waitFor();
    expect(await bob.title()).toBe('(1) Chat');
    await room.click();
    await inRoom(bob, annName);
    await message(bob, 'just the two of us').waitFor();
    await room.locator('.badge').waitFor({ state: 'detached' });
    await expect.poll(() => bob.title()).toBe('Chat');
  });
});

describe('a reload', () => {
  test('comes back to the session and the room, with what was read still read', async () => {
    const reader = await on.browser.signIn(newName('reader'));
    const writer = await on.browser.newClient();
    const { id, name } = await writer.api.createRoom(newName('room'));
    await sayMany(writer, id, ['first', 'second']);
    await reader.getByRole('button', { name: 'Create or join a room' }).click();
    await reader.getByLabel('Number of a room that exists').fill(id);
    await reader.getByRole('button', { name: 'Join', exact: true }).click();
    await inRoom(reader, name!);
    await message(reader, 'second').waitFor();
    await reader.reload();
    await inRoom(reader, name!);
    await message(reader, 'second').waitFor();
    expect(await reader.locator('.badge').count()).toBe(0);
    // In another room now: the next message is unread, also after a reload.
    await reader.getByRole('navigation').getByRole('link', { name: 'General' }).click();
    await inRoom(reader, 'General');
    await writer.chat.send(id, 'third');
    const room = reader.getByRole('navigation').getByRole('link', { name: name! });
    await room.locator('.badge', { hasText: '1' }).waitFor();
    await reader.reload();
    await inRoom(reader, 'General');
    await room.locator('.badge', { hasText: '1' }).waitFor();
    await room.click();
    await reader.getByText('New', { exact: true }).waitFor();
    await room.locator('.badge').waitFor({ state: 'detached' });
  });
});

describe('a room with hundreds of messages', () => {
  test('loads older ones on scrolling up, keeps the place, and keeps the page small', async () => {
    const writer = await on.browser.newClient();
    const { id, name } = await writer.api.createRoom(newName('long'));
    const texts = Array.from({ length: 420 }, (_, index) => `line ${index} of ${id}`);
    await sayMany(writer, id, texts);
    const reader = await on.browser.open(`/#/room/${id}`);
    await enter(reader, writer.name);
    await inRoom(reader, name!);
    await message(reader, 'line 419').waitFor();

    const list = reader.getByRole('region', { name: 'Messages' });
    const shown = () => list.locator('.text').allTextContents();
    let most = 0;
    for (let step = 0; step < 200; step++) {
      const before = await firstInSight(list);
      await list.evaluate((element) => {
        element.scrollTop -= 300;
      });
      await reader.waitForTimeout(40);
      const after = await firstInSight(list);
      // Older ones came in above: the place moved by what was scrolled, and by nothing else.
      expect(before - after).toBeLessThan(25);
      expect(before - after).toBeGreaterThanOrEqual(0);
      most = Math.max(most, (await shown()).length);
      if (after === 0) break;
    }
    expect((await shown())[0]).toContain('line 0 of');
    expect(most).toBeLessThan(320);
    await reader.getByText('This is where the room begins.').waitFor();

    await writer.chat.send(id, 'the newest one');
    await reader.getByRole('button', { name: '1 new message' }).click();
    await message(reader, 'the newest one').waitFor();
    await expect.poll(() => firstInSight(list)).toBeGreaterThan(380);
  });
});

describe('hostile text', () => {
  test('stays text, and only http links are links', async () => {
    const writer = await on.browser.newClient();
    const { id } = await writer.api.createRoom('<b>room</b>');
    const hostile = [
      '<img src=x onerror="window.broken=1">',
      '<script>window.broken=1</script>',
      '"><svg onload=window.broken=1>',
      'javascript:window.broken=1 and http://example.test/"onmouseover="window.broken=1',
    ];
    await sayMany(writer, id, hostile);
    const page = await on.browser.open(`/#/room/${id}`);
    await enter(page, writer.name);
    await inRoom(page, '<b>room</b>');
    for (const text of hostile) await message(page, text).waitFor();
    const list = page.getByRole('region', { name: 'Messages' });
    expect(await list.locator('img, script, svg, b').count()).toBe(0);
    const links = await list
      .locator('a')
      .evaluateAll((all) => all.map((link) => [link.getAttribute('href'), link.getAttribute('rel')]));
    expect(links).toEqual([['http://example.test/', expect.stringContaining('noopener')]]);
    expect(await page.evaluate(() => 'broken' in window)).toBe(false);
  });
});

describe('signing in', () => {
  test('shows what the server says of a wrong password', async () => {
    const name = newName();
    await on.browser.newClient(name);
    const page = await on.browser.open('/', { expected: / 401 .*\/login$/ });
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText(/wrong/).waitFor();
  });

  test('offers random names, and the demo users', async () => {
    const page = await on.browser.open();
    await page.getByRole('button', { name: 'Random name' }).click();
    await expect.poll(() => page.getByLabel('Name', { exact: true }).inputValue()).toMatch(/./);
    await page.getByRole('button', { name: 'Mary' }).click();
    await page.getByRole('button', { name: 'Sign in' }).click();
    await inRoom(page, 'General');
    await page.getByRole('navigation').getByRole('link', { name: 'Joe' }).waitFor();
  });
});

describe('the page', () => {
  test('works on a replica’s own port, with the gateway for the rest', async () => {
    const page = await on.browser.signIn(newName(), `${on.cluster.realtime[1]!.url}/`);
    await say(page, `from another port ${newName()}`);
  });

  test('measures its latency', async () => {
    const page = await on.browser.signIn();
    await say(page, 'how long does this take?');
    for (const measure of ['ping', 'message']) {
      const cells = page.locator(`[data-measure="${measure}"] td`);
      await expect
        .poll(() => cells.allTextContents(), { timeout: 30_000 })
        .toEqual([expect.stringMatching(/^\d.* m?s$/), expect.stringMatching(/^\d.* m?s$/)]);
    }
  });

  test('is under 60 KB compressed', async () => {
    const html = await compressed('/');
    const names = [
      ...brotliDecompressSync(html)
        .toString()
        .matchAll(/(?:src|href)="\.?(\/[^"]+)"/g),
    ];
    const sizes = await Promise.all(names.map(async ([, path]) => (await compressed(path!)).length));
    expect(names.length).toBeGreaterThan(2);
    expect(sizes.reduce((sum, size) => sum + size, html.length)).toBeLessThan(60 * 1024);
  });
});

/** The number of the first line that is in sight. */
function firstInSight(list: Locator): Promise<number> {
  return list.evaluate((element) => {
    const { top } = element.getBoundingClientRect();
    const rows = [...element.querySelectorAll('.text')];
    const row = rows.find((candidate) => candidate.getBoundingClientRect().bottom > top);
    return Number(/^line (\d+)/.exec(row?.textContent ?? '')?.[1] ?? 1e6);
  });
}

function compressed(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, on.browser.url),
      { headers: { 'Accept-Encoding': 'br' } },
      (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part: Buffer) => parts.push(part));
        answer.on('end', () => resolve(Buffer.concat(parts)));
      },
    );
    call.on('error', reject).end();
  });
}
