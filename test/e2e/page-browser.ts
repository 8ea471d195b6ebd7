import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ChatApi, ChatClient } from '@chat/client';
import { type BrowserContextOptions, type Browser as Chromium, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { type Cluster, startCluster } from '../harness/cluster.ts';
import { launcher } from '../harness/programs.ts';

const PASSWORD = 'password123';
const ARTIFACTS = fileURLToPath(new URL('../artifacts/', import.meta.url));
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Milliseconds that anything in a page may take on a loaded machine. */
const PATIENCE = 45_000;

let users = 0;

/** A name that no other test has. */
export function newName(of = 'user'): string {
  return `${of}-${process.pid}-${++users}`;
}

/** A real browser for the page of a cluster. Whatever a test opens in it is closed when the test is over. */
export class Browser {
  readonly #chromium: Chromium;
  readonly #cluster: Cluster;

  constructor(browser: Chromium, cluster: Cluster) {
    this.#chromium = browser;
    this.#cluster = cluster;
  }

  static async launch(cluster: Cluster): Promise<Browser> {
    const { command } = launcher('chromium', { directories: [] });
    return new Browser(await chromium.launch({ executablePath: command, args: ARGS }), cluster);
  }

  close(): Promise<void> {
    return this.#chromium.close();
  }

  get url(): string {
    return this.#cluster.gateway.url;
  }

  /** A page of a browser profile of its own. Errors in its console fail the test, but for those that are expected. */
  async open(path = '/', options: BrowserContextOptions & { expected?: RegExp } = {}): Promise<Page> {
    const { expected, ...rest } = options;
    const context = await this.#chromium.newContext({ viewport: { width: 1280, height: 800 }, ...rest });
    context.setDefaultTimeout(PATIENCE);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const errors = watchErrors(page, expected);
    onTestFinished(() => expect(errors).toEqual([]));
    await page.goto(new URL(path, this.url).href);
    return page;
  }

  /** The page with a user signed in by the form; a new name is registered by that. */
  async signIn(
    name = newName(),
    path = '/',
    options: BrowserContextOptions & { expected?: RegExp } = {},
  ): Promise<Page> {
    const page = await this.open(path, options);
    await enter(page, name);
    await inRoom(page, 'General');
    return page;
  }

  /** A user without a page, to write what a page should show. */
  async newClient(name = newName('client')): Promise<Client> {
    const api = new ChatApi({ baseUrl: this.url });
    const { id, token } = await api.login(name, PASSWORD);
    const chat = new ChatClient({ url: `${this.url}/ws`, token, WebSocket, maxQueued: 5000 });
    onTestFinished(() => chat.close());
    const greeted = new Promise<void>((resolve) => chat.on('hello', () => resolve()));
    chat.connect();
    await greeted;
    return { id, name, api, chat };
  }
}

/** A cluster and a browser for the tests of a file, and their end. */
export function useCluster(): { readonly cluster: Cluster; readonly browser: Browser } {
  const on = {} as { cluster: Cluster; browser: Browser };
  beforeAll(async () => {
    on.cluster = await startCluster({ env: { LIMITS: 'off' } });
    on.browser = await Browser.launch(on.cluster);
  });
  afterAll(async () => {
    await on.browser?.close();
    await on.cluster?.stop();
  });
  return on;
}

export interface Client {
  id: number;
  name: string;
  api: ChatApi;
  chat: ChatClient;
}

/** Fills the card in and waits until it is gone. */
export async function enter(page: Page, name: string, password = PASSWORD): Promise<void> {
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await field(page).waitFor();
}

export async function inRoom(page: Page, name: string): Promise<void> {
  await page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
}

export function field(page: Page) {
  return page.getByPlaceholder(/^Message /);
}

/** The message with this text, once the server has it. */
export function message(page: Page, text: string) {
  return page.locator('.row:not(.sending):not(.failed) .text').filter({ hasText: text });
}

export async function say(page: Page, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press('Enter');
  await message(page, text).last().waitFor();
}

/** Sends many messages, in order. */
export async function sayMany({ chat }: Client, roomId: string, texts: readonly string[]): Promise<void> {
  await Promise.all(texts.map((text) => chat.send(roomId, text)));
}

export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(ARTIFACTS, { recursive: true });
  await page.screenshot({ path: `${ARTIFACTS}${name}.png` });
}

function watchErrors(page: Page, expected?: RegExp): string[] {
  const errors: string[] = [];
  const note = (text: string) => {
    // A visitor without a session: the browser logs the 401 by which the page learns of it.
    if (!/ 401 .*\/me$/.test(text) && !expected?.test(text)) errors.push(text);
  };
  page.on('console', (entry) => {
    if (entry.type() === 'error' || entry.type() === 'warning')
      note(`${entry.text()} ${entry.location().url}`);
  });
  page.on('pageerror', (error) => note(String(error.stack ?? error)));
  return errors;
}
