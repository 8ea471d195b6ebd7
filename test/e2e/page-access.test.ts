import type { Locator, Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { expectAccessible } from './axe.ts';
import { enter, field, inRoom, newName, say, screenshot, useCluster } from './page-browser.ts';

const on = useCluster();

const PHONE = { viewport: { width: 375, height: 740 }, hasTouch: true, isMobile: true };
describe('axe finds nothing', () => {
  test('on the card, empty and refused', async () => {
    const name = newName();
    await on.browser.newClient(name);
    const page = await on.browser.open('/', { expected: / 401 .*\/login$/ });
    await page.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await expectAccessible(page);
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByLabel('Password').fill('not the password');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await expectAccessible(page);
  });

  test.each([
    ['wide', {}],
    ['narrow', PHONE],
  ])(
    'in the chat, %s: talk, links, a draft that is too long, the dialog, drawers, a room of others',
    async (_width, options) => {
      const page = await on.browser.signIn(newName(), '/', options);
      await say(page, 'See https://example.test/ and this');
      await say(page, 'and this');
      await expectAccessible(page);
      await field(page).fill('x'.repeat(5000));
      await expectAccessible(page);
      await field(page).fill('');
      for (const drawer of ['People online', 'Rooms']) {
        const opener = page.locator('.top').getByRole('button', { name: drawer });
        if (!(await opener.isVisible())) continue;
        await opener.click();
        await page.locator('.panel.open').waitFor();
        await expectAccessible(page);
        if (drawer === 'People online') await page.keyboard.press('Escape');
      }
      await page.getByRole('button', { name: 'Create or join a room' }).click();
      await page.getByRole('dialog').waitFor();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.goto(`${on.browser.url}/#/room/999999`);
      await page.getByRole('heading', { name: 'You are not in room 999999.' }).waitFor();
      await expectAccessible(page);
    },
  );

  test('while the connection is away, and with a message that was refused', async () => {
    const page = await on.browser.open('/', { expected: /WebSocket/ });
    let away = false;
    const cuts: (() => void)[] = [];
    await page.routeWebSocket(/\/ws/, (socket) => {
      if (away) return void socket.close();
      const server = socket.connectToServer();
      cuts.push(() => void socket.close());
      socket.onMessage((frame) => {
        const { type, cid } = JSON.parse(String(frame));
        if (type !== 'message') return server.send(frame);
        const error = { code: 'room_forbidden', message: 'this room is not yours', cid };
        socket.send(JSON.stringify({ type: 'error', data: error }));
      });
    });
    await enter(page, newName());
    await field(page).fill('refused');
    await field(page).press('Enter');
    await page.locator('.row.failed').waitFor();
    await expectAccessible(page);
    away = true;
    for (const cut of cuts) cut();
    await page
      .getByText(/Reconnecting/)
      .first()
      .waitFor();
    await field(page).fill('waits');
    await field(page).press('Enter');
    await expectAccessible(page);
  });

  test('on the replicas side by side, and on the page that waits for the server', async () => {
    const replicas = await on.browser.open('/replicas', { expected: /404 .*\/healthz$/ });
    await replicas.getByRole('region', { name: 'Replica 3' }).waitFor();
    await expectAccessible(replicas);

    const waiting = await on.browser.open('/', { expected: / 503 .*\/me$/ });
    await waiting.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await waiting.route(/\/me$/, (route) => route.fulfill({ status: 503, json: { code: 'unavailable' } }));
    await waiting.reload();
    await waiting.getByText(/cannot be reached/).waitFor();
    await expectAccessible(waiting);
  });
});

describe('the dialog for a room', () => {
  test('opens with the focus on the name, so that Enter makes the room', async () => {
    const page = await on.browser.signIn();
    const room = newName('room');
    await page.getByRole('button', { name: 'Create or join a room' }).click();
    await page.getByRole('dialog').waitFor();
    await screenshot(page, 'add-room-light');
    await page.keyboard.type(room);
    await page.keyboard.press('Enter');
    await inRoom(page, room);
  });
});

describe('on a touch screen', () => {
  test('every control is 44 px in size', async () => {
    const page = await on.browser.open('/', PHONE);
    await page.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    expect(await tooSmall(page)).toEqual([]);
    await enter(page, newName());
    await say(page, 'something');
    expect(await tooSmall(page)).toEqual([]);
    await page.getByRole('button', { name: 'People online' }).click();
    await page.locator('.panel.people.open').waitFor();
    expect(await tooSmall(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Rooms' }).click();
    await page.locator('.panel.rooms.open').waitFor();
    expect(await tooSmall(page)).toEqual([]);
    await page.getByRole('button', { name: 'Create or join a room' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await tooSmall(page)).toEqual([]);
    await screenshot(page, 'add-room-narrow');
  });

  test('each message of a group shows its time', async () => {
    const page = await on.browser.signIn(newName(), '/', PHONE);
    await say(page, 'one');
    await say(page, 'two');
    const time = page.locator('.row', { hasText: 'two' }).last().locator('.row-time');
    await expect.poll(() => time.evaluate((element) => getComputedStyle(element).opacity)).toBe('1');
    expect((await time.boundingBox())!.x).toBeGreaterThanOrEqual(0);
  });
});

describe('with forced colours', () => {
  test('one sees which room is open, who is online, what is unread, and where a button is', async () => {
    const page = await on.browser.signIn(newName(), '/', { forcedColors: 'active' });
    const other = await on.browser.newClient();
    await page.getByRole('button', { name: other.name, exact: true }).waitFor();
    await screenshot(page, 'forced-colors');
    const open = page.locator('.room-link.open');
    const closed = await page.evaluate(
      () => getComputedStyle(document.querySelector('.panel')!).backgroundColor,
    );
    expect(await style(open, 'background-color')).not.toBe(closed);
    expect(await style(page.locator('.person .dot.online').first(), 'background-color')).not.toBe(closed);
    expect(await style(page.locator('.status .dot'), 'background-color')).not.toBe(closed);
    expect(await style(page.locator('.send'), 'border-top-style')).toBe('solid');
    expect(await style(page.locator('.avatar').last(), 'border-top-style')).toBe('solid');
  });
});

describe('what is written', () => {
  test('with www. at its beginning is a link', async () => {
    const page = await on.browser.signIn();
    await say(page, 'look at www.example.test/page.');
    const link = page.getByRole('link', { name: 'www.example.test/page', exact: true });
    expect(await link.getAttribute('href')).toBe('https://www.example.test/page');
  });

  test('cannot hold an image: pasting one says so', async () => {
    const page = await on.browser.signIn();
    await field(page).evaluate((element) => {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File(['x'], 'shot.png', { type: 'image/png' }));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    });
    await page.getByRole('status').getByText('Images cannot be sent here.').waitFor();
    await expectAccessible(page);
    await field(page).fill('then in words');
    await page.getByText('Images cannot be sent here.').waitFor({ state: 'detached' });
  });
});

describe('the card', () => {
  test('tells the rule for passwords before one chooses one', async () => {
    const page = await on.browser.open();
    const rule = await page.getByLabel('Password').evaluate((element) => {
      const id = element.getAttribute('aria-describedby');
      return id && document.getElementById(id)?.textContent;
    });
    expect(rule).toMatch(/8/);
  });
});

describe('a browser without a network', () => {
  test('says within a second that it is offline, and takes that back', async () => {
    const page = await on.browser.signIn(newName(), '/', { expected: /WebSocket|ERR_INTERNET_DISCONNECTED/ });
    // Both moments are of the page itself, whatever else the machine does.
    await page.evaluate(() => {
      const shown = new Promise<number>((resolve) => {
        window.addEventListener('offline', () => {
          const begin = performance.now();
          const look = () => {
            if (!document.querySelector('.banner')?.textContent?.includes('offline')) return;
            observer.disconnect();
            resolve(performance.now() - begin);
          };
          const observer = new MutationObserver(look);
          observer.observe(document.body, { childList: true, subtree: true });
          // The page may have been told first, and have drawn it.
          look();
        });
      });
      Object.assign(window, { shown });
    });
    await page.context().setOffline(true);
    const took = await page.evaluate(() => (window as unknown as { shown: Promise<number> }).shown);
    expect(took).toBeLessThan(1000);
    await page.locator('.status').getByText('Offline').waitFor();
    await expectAccessible(page);
    await page.context().setOffline(false);
    await page.locator('.banner').waitFor({ state: 'detached' });
  });
});

/** Controls in sight that are smaller than a finger, but for links in the midst of a text. */
function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const controls = [...document.querySelectorAll<HTMLElement>('button, a, input, textarea')];
    return controls
      .filter(
        (control) =>
          control.checkVisibility({ visibilityProperty: true }) && !control.closest('[inert], .text'),
      )
      .filter((control) => control.className !== 'backdrop')
      .map((control) => ({ control, box: control.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 43.9 || box.height < 43.9)
      .map(({ control, box }) => `${control.outerHTML.slice(0, 100)} ${box.width}×${box.height}`);
  });
}

function style(element: Locator, property: string): Promise<string> {
  return element.evaluate((node, name) => getComputedStyle(node).getPropertyValue(name), property);
}
