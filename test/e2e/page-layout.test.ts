import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { enter, field, inRoom, message, newName, say, screenshot, useCluster } from './page-browser.ts';

const on = useCluster();

const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true };

describe('the keyboard alone', () => {
  test('signs in, goes from room to room, writes and sends', async () => {
    const page = await on.browser.open();
    const keys = page.keyboard;
    await page.locator('#name:focus').waitFor();
    await keys.type('Pablo');
    await keys.press('Tab');
    await keys.press('Tab');
    await keys.type('password123');
    await keys.press('Enter');
    await inRoom(page, 'General');
    await expect.poll(() => focused(page)).toBe('message');
    await keys.type('two');
    await keys.press('Shift+Enter');
    await keys.type('lines');
    await keys.press('Enter');
    await message(page, 'two\nlines').waitFor();

    await page.getByRole('link', { name: 'General' }).focus();
    await keys.press('ArrowDown');
    await keys.press('End');
    await keys.press('ArrowUp');
    const name = await page.evaluate(() => document.activeElement?.querySelector('.room-name')?.textContent);
    await keys.press('Enter');
    await inRoom(page, name!);
    await expect.poll(() => focused(page)).toBe('message');
  });

  test('opens and closes the drawer, which gives the focus back', async () => {
    const page = await on.browser.signIn(newName(), '/', PHONE);
    const opener = page.getByRole('button', { name: 'Rooms' });
    await opener.focus();
    await page.keyboard.press('Enter');
    await page.locator('.panel.rooms.open a:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.panel.rooms.open').waitFor({ state: 'detached' });
    expect(await opener.evaluate((element) => element === document.activeElement)).toBe(true);
  });

  test('closes the dialog with Escape, and the drawer below it with the next', async () => {
    const page = await on.browser.signIn(newName(), '/', PHONE);
    await page.getByRole('button', { name: 'Rooms' }).click();
    await page.getByRole('button', { name: 'Create or join a room' }).click();
    await page.locator('#room-name:focus, dialog button:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.locator('.panel.rooms.open').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.panel.rooms.open').waitFor({ state: 'detached' });
  });

  test('reaches every control in the order in which they stand', async () => {
    const page = await on.browser.signIn();
    // From there on the Tab key goes.
    await page.getByRole('heading', { name: 'Rooms' }).click();
    const reached: string[] = [];
    for (let step = 0; step < 5; step++) {
      await page.keyboard.press('Tab');
      reached.push(await focusedName(page));
    }
    expect(reached).toEqual([
      'Create or join a room',
      'General',
      'Sign out',
      'Messages',
      'Message to General',
    ]);
  });
});

describe('a phone’s width', () => {
  test.each([320, 375, 390])('of %i px has all of the chat and nothing beside it', async (width) => {
    const name = newName();
    const page = await on.browser.signIn(name, '/', { ...PHONE, viewport: { width, height: 700 } });
    await page.getByRole('button', { name: 'Rooms' }).click();
    await addRoom(page, newName('room'));
    await page.locator('.panel.open').waitFor({ state: 'detached' });
    await say(page, `a long line ${'withoutanyspace'.repeat(12)} from ${name}`);
    expect(await overflow(page)).toBe(0);
    await page.getByRole('button', { name: 'People online' }).click();
    await page.locator('.panel.people.open').getByText(name).waitFor();
    expect(await overflow(page)).toBe(0);
    await page.locator('.panel.open .panel-close').click();
    // The room that is open already: choosing it leads back to it as well.
    await page.getByRole('button', { name: 'Rooms' }).click();
    await page.locator('.panel.open a[aria-current]').click();
    await page.locator('.panel.open').waitFor({ state: 'detached' });
  });
});

describe('/replicas', () => {
  test('shows each replica’s page, and what is typed in one arrives in the others', async () => {
    // The count is found by asking for one replica more than there are.
    const page = await on.browser.open('/replicas', { expected: /404 .*\/replica\/4\/healthz$/ });
    const frames = [0, 1, 2].map((index) => page.frameLocator('iframe').nth(index));
    const first = frames[0]!;
    await first.getByRole('button', { name: 'Joe', exact: true }).click();
    await first.getByRole('button', { name: 'Sign in' }).click();
    for (const frame of frames) await frame.getByRole('heading', { name: 'General' }).waitFor();
    expect(await page.locator('iframe').count()).toBe(3);
    const servers = await Promise.all(frames.map((frame) => frame.locator('.top .server').textContent()));
    expect(servers).toEqual(on.cluster.realtime.map((replica) => replica.serverId));
    const texts = ['typed on the first', 'then on the second', 'and on the third'];
    for (const [index, frame] of frames.entries()) {
      await frame.getByPlaceholder(/^Message/).fill(texts[index]!);
      await frame.getByPlaceholder(/^Message/).press('Enter');
      for (const other of frames) await other.locator('.text', { hasText: texts[index]! }).waitFor();
    }
    await page.waitForTimeout(4500);
    await screenshot(page, 'replicas');
    await page.setViewportSize(PHONE.viewport);
    expect(await overflow(page)).toBe(0);
    await screenshot(page, 'replicas-narrow');
  });
});

describe('in pictures', () => {
  test('a conversation, in both schemes and widths', async () => {
    const pablo = await on.browser.open('/replica/1/');
    await pablo.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await screenshot(pablo, 'sign-in-light');
    await enter(pablo, 'Pablo');
    const room = await addRoom(pablo, 'Launch day');
    const mary = await on.browser.signIn('Mary', '/replica/2/', { colorScheme: 'dark' });
    const alex = await on.browser.signIn('Alex', '/', PHONE);
    for (const page of [mary, alex]) await joinRoom(page, room, 'Launch day');
    await say(pablo, 'Good morning! We go live at ten.');
    await say(mary, 'Morning. All three replicas are ready, and history answers in 2 ms.');
    await say(mary, 'I keep the dashboard open:\nhttps://chat.example/replicas');
    await say(alex, 'Great. I follow on the train 🚆');
    await say(pablo, 'Replica 2 is back: its sockets moved over within a second ☀️');
    await say(pablo, 'How that works is written here: https://redis.io/docs/latest/develop/pubsub/');
    await say(mary, 'Nice, I was connected to it and did not notice 🎉');
    await say(alex, 'Same here, on the phone');
    await say(mary, 'سلام! این پیام از راست به چپ است');
    await alex.getByRole('button', { name: 'Rooms' }).click();
    await alex.getByRole('link', { name: 'Pablo' }).click();
    await say(alex, 'Lunch at one?');
    await alex.getByRole('button', { name: 'Rooms' }).click();
    await alex.getByRole('link', { name: 'Launch day' }).click();
    await inRoom(alex, 'Launch day');
    await say(pablo, 'Scaling down to one replica now, then up again. Watch your latency.');
    await pablo.waitForTimeout(5000);
    await field(mary).pressSequentially('Ready when you are');
    await pablo.getByText('Mary is typing…').waitFor();
    await screenshot(pablo, 'page-light');
    await screenshot(mary, 'page-dark');
    await screenshot(alex, 'page-narrow');
    await alex.emulateMedia({ colorScheme: 'dark' });
    await screenshot(alex, 'page-narrow-dark');
    await alex.getByRole('button', { name: 'Rooms' }).click();
    await alex.waitForTimeout(400);
    await screenshot(alex, 'page-narrow-rooms-dark');
    await pablo.emulateMedia({ colorScheme: 'dark' });
    await pablo.getByRole('button', { name: 'Sign out' }).click();
    await pablo.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await screenshot(pablo, 'sign-in-dark');
  });
});

function focused(page: Page): Promise<string | undefined> {
  return page.evaluate(() => document.activeElement?.id);
}

/** @returns the number of the new room. */
async function addRoom(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Create or join a room' }).click();
  await page.getByLabel('Name of a new room').fill(name);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await inRoom(page, name);
  return new URL(page.url()).hash.replace('#/room/', '');
}

/** Follows a link to a room. */
async function joinRoom(page: Page, id: string, name: string): Promise<void> {
  await page.goto(`${page.url().split('#')[0]}#/room/${id}`);
  await page.getByRole('button', { name: `Join room ${id}` }).click();
  await inRoom(page, name);
}

/** What the control that has the focus is called. */
function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement: element } = document;
    const label = element?.id ? document.querySelector(`label[for="${element.id}"]`) : null;
    const name = element?.querySelector('.room-name') ?? label ?? element;
    return element?.getAttribute('aria-label') ?? name?.textContent?.trim() ?? '';
  });
}

/** Pixels by which the page is wider than the window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
}
