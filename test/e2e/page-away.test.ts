import { describe, expect, onTestFinished, test } from 'vitest';
import { expectAccessible } from './axe.ts';
import { newName, screenshot, useCluster } from './page-browser.ts';

const on = useCluster();

/** What the browser logs by itself while a server is away. */
const AWAY = /WebSocket connection to|Failed to load resource: .*50[234]/;

/** Stops a process in its tracks until `thaw` or the end of the test: it still has its ports, and answers nothing. */
function freeze(pid: number): { thaw(): void } {
  let frozen = true;
  const thaw = () => {
    if (frozen) process.kill(pid, 'SIGCONT');
    frozen = false;
  };
  process.kill(pid, 'SIGSTOP');
  onTestFinished(thaw);
  return { thaw };
}

const statusOf = (path: string) => fetch(on.browser.url + path).then(({ status }) => status);

/** Every service has noticed that Redis is back; the gateway has too. */
async function isWhole(): Promise<void> {
  await expect
    .poll(async () => {
      const paths = ['/randomname', '/replica/1/', '/replica/2/', '/replica/3/'];
      return Promise.all([...paths.map(statusOf), ...on.cluster.realtime.map(ready)]);
    })
    .toEqual([200, 200, 200, 200, 200, 200, 200]);
}

const ready = ({ url }: { url: string }) => fetch(`${url}/readyz`).then(({ status }) => status);

describe('while Redis is frozen', () => {
  test('the page loads through the gateway, and says that it waits', async () => {
    const redis = freeze(on.cluster.redis.pid!);
    await expect.poll(() => Promise.all(on.cluster.realtime.map(ready))).toEqual([503, 503, 503]);
    await expect.poll(() => statusOf('/stream')).toBe(503);
    for (const path of ['/', '/replicas', '/icon.svg']) expect(await statusOf(path), path).toBe(200);
    const page = await on.browser.open('/', { expected: AWAY });
    await page.getByText('The server cannot be reached. Trying again…').waitFor();
    redis.thaw();
    await page.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
    await isWhole();
  });
});

describe('while no replica lives', () => {
  test('the gateway shows a page that loads the chat by itself once a replica is back', async () => {
    for (const index of [0, 1, 2]) await on.cluster.killReplica(index);
    onTestFinished(async () => {
      for (const [index, { running }] of on.cluster.realtime.entries())
        if (!running) await on.cluster.startReplica(index);
      await isWhole();
    });
    const page = await on.browser.open('/', { expected: AWAY });
    await page.getByRole('heading', { name: 'The chat is away' }).waitFor();
    await screenshot(page, 'away-light');
    await page.emulateMedia({ colorScheme: 'dark' });
    await screenshot(page, 'away-dark');
    await expectAccessible(page);
    const answer = await fetch(on.browser.url);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([503, 'text/html; charset=utf-8']);
    await on.cluster.startReplica(0);
    await page.getByRole('heading', { name: 'Sign in to the chat' }).waitFor();
  });
});

describe('a frozen replica', () => {
  test('does not hold up the page, which another replica serves', async () => {
    const replica = freeze(on.cluster.realtime[0]!.pid);
    const statuses = await Promise.all(Array.from({ length: 6 }, () => statusOf('/')));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
    replica.thaw();
    await isWhole();
  });

  test('is shown as one that does not answer, and as well again when it is', async () => {
    const page = await on.browser.open('/replicas', { expected: /404 .*\/healthz$|50[234]|WebSocket/ });
    const state = (number: number) => page.getByRole('region', { name: `Replica ${number}` }).locator('h2');
    await state(2).getByText('Answering').waitFor();
    const replica = freeze(on.cluster.realtime[1]!.pid);
    await state(2).getByText('Not answering').waitFor();
    expect(await state(1).textContent()).toContain('Answering');
    await screenshot(page, 'replicas-frozen');
    replica.thaw();
    await state(2).getByText('Answering', { exact: true }).waitFor();
    await on.cluster.killReplica(1);
    onTestFinished(async () => {
      await on.cluster.startReplica(1);
      await isWhole();
    });
    await state(2).getByText('Down').waitFor();
  });

  test('is among all of them, however many there are', async () => {
    const page = await on.browser.open('/', { expected: /404/ });
    // Nine replicas, as the gateway tells of them.
    await page.route(/\/replica\/\d+\/(healthz)?$/, (route) => {
      const number = Number(/replica\/(\d+)/.exec(route.request().url())![1]);
      return route.fulfill({ status: number <= 9 ? 200 : 404, contentType: 'text/html', body: newName() });
    });
    await page.goto(new URL('/replicas', on.browser.url).href);
    await page.getByRole('heading', { name: 'One chat, 9 replicas' }).waitFor();
    expect(await page.locator('iframe').count()).toBe(9);
  });
});
