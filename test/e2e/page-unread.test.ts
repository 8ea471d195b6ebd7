import type { RoomId } from '@chat/protocol';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import {
  type Client,
  enter,
  field,
  inRoom,
  message,
  newName,
  say,
  sayMany,
  screenshot,
  useCluster,
} from './page-browser.ts';

const on = useCluster();

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}.`);

/** A page that has read a room of 100 lines, and is closed while `count` more are written. */
async function awayFrom(count: number): Promise<{ page: Page; writer: Client; id: RoomId }> {
  const writer = await on.browser.newClient();
  const { id, name } = await writer.api.createRoom(newName('unread'));
  await sayMany(writer, id, lines(0, 100));
  const page = await on.browser.signIn();
  await page.goto(`${on.browser.url}/#/room/${id}`);
  await page.getByRole('button', { name: `Join room ${id}` }).click();
  await inRoom(page, name!);
  await message(page, 'line 99.').waitFor();
  await page.goto('about:blank');
  await sayMany(writer, id, lines(100, 100 + count));
  await page.goto(`${on.browser.url}/#/room/${id}`);
  await inRoom(page, name!);
  return { page, writer, id };
}

describe('a room with 200 unread messages', () => {
  test('opens at the first of them, below the "New" line, and leads to the newest', async () => {
    const { page } = await awayFrom(200);
    const mark = page.locator('[data-unread]');
    await mark.waitFor();
    await message(page, 'line 100.').waitFor();
    await expect
      .poll(async () => {
        const places = await Promise.all(
          [message(page, 'line 99.'), mark, message(page, 'line 100.')].map((part) => part.boundingBox()),
        );
        const tops = places.map((place) => place?.y ?? -1);
        return tops.every((top, index) => top > (tops[index - 1] ?? 0) && top < 500);
      })
      .toBe(true);
    await screenshot(page, 'unread-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 375, height: 740 });
    await screenshot(page, 'unread-narrow-dark');
    await page.setViewportSize({ width: 1280, height: 800 });

    // All of them are there on the way down, without a click.
    const list = page.getByRole('region', { name: 'Messages' });
    const seen = new Set<string>();
    await expect
      .poll(
        async () => {
          for (const text of await list.locator('.text').allTextContents()) seen.add(text);
          await list.evaluate((element) => {
            element.scrollTop += 400;
          });
          return lines(100, 300).filter((line) => !seen.has(line)).length;
        },
        { timeout: 60_000, interval: 60 },
      )
      .toBe(0);
  });

  test('shows more unread than it counted, and goes to the newest by one click', async () => {
    const { page, id } = await awayFrom(200);
    const link = page.locator(`a[href="#/room/${id}"]`);
    await link.locator('.badge', { hasText: '+' }).waitFor();
    await page.getByRole('button', { name: 'Newest messages' }).click();
    await message(page, 'line 299.').waitFor();
    await link.locator('.badge').waitFor({ state: 'detached' });
    const box = await message(page, 'line 299.').boundingBox();
    expect(box!.y).toBeLessThan(800);
  });
});

describe('a room whose newest message is one’s own', () => {
  test('has nothing unread: writing in it is reading it', async () => {
    const name = newName();
    const page = await on.browser.signIn(name);
    const other = await on.browser.newClient();
    const phone = await on.browser.newClient(name);
    const { id } = await other.api.createPrivateRoom(other.id, phone.id);
    await other.chat.send(id, 'Are you there?');
    const badge = page.locator(`a[href="#/room/${id}"] .badge`);
    await badge.waitFor();
    await phone.chat.send(id, 'Yes, on the phone.');
    await badge.waitFor({ state: 'detached' });
  });
});

describe('a draft', () => {
  test('survives a reload, in its room alone, and not the sign-out', async () => {
    const name = newName();
    const page = await on.browser.signIn(name);
    const { id, name: room } = await (await on.browser.newClient(name)).api.createRoom(newName('drafts'));
    await field(page).fill('half a thought');
    await page.reload();
    await inRoom(page, 'General');
    await expect.poll(() => field(page).inputValue()).toBe('half a thought');
    await page.locator(`a[href="#/room/${id}"]`).click();
    await inRoom(page, room!);
    expect(await field(page).inputValue()).toBe('');
    await page.getByRole('link', { name: 'General' }).click();
    await inRoom(page, 'General');
    await say(page, 'a whole thought');
    await page.reload();
    await inRoom(page, 'General');
    expect(await field(page).inputValue()).toBe('');

    await field(page).fill('not for the next user');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await enter(page, name);
    expect(await field(page).inputValue()).toBe('');
  });
});
