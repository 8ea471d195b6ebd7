import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { endWith } from './http-response.ts';

/** Brotli's default takes two seconds of every start to save a few percent. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } };

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
};

/** What the page is told of the server it came from. */
export interface PageConfig {
  serverId: string;
  socketUrl: string;
  gatewayUrl: string;
}

interface File {
  type: string;
  etag: string;
  html: boolean;
  /** Vite puts a hash of the content into the names of assets. */
  immutable: boolean;
  bodies: { identity: Buffer; gzip: Buffer; br: Buffer };
}

/** The test page, held in memory: read and compressed once at start. */
export class Page {
  readonly #files = new Map<string, File>();
  readonly #config: PageConfig;

  /** @param directory the page as Vite built it; one that does not exist makes a server without a page */
  constructor(directory: string, config: PageConfig) {
    this.#config = config;
    if (!existsSync(directory)) return;
    for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      this.#files.set(`/${relative(directory, path)}`, readFile(path, config));
    }
  }

  get exists(): boolean {
    return this.#files.has('/index.html');
  }

  /** @returns false when there is no such file */
  serve(response: HttpResponse, request: HttpRequest): boolean {
    const file = this.#files.get(fileOf(request.getUrl()));
    if (!file) return false;
    if (request.getHeader('if-none-match') === file.etag) {
      response.writeStatus('304 Not Modified').endWithoutBody();
      return true;
    }
    const encoding = encodingOf(request.getHeader('accept-encoding'));
    response
      .writeStatus('200 OK')
      .writeHeader('Content-Type', file.type)
      .writeHeader('ETag', file.etag)
      .writeHeader('Vary', 'Accept-Encoding')
      .writeHeader('Cache-Control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache')
      .writeHeader('X-Content-Type-Options', 'nosniff');
    if (encoding !== 'identity') response.writeHeader('Content-Encoding', encoding);
    if (file.html) this.#secure(response, request.getHeader('host'));
    endWith(response, file.bodies[encoding]);
    return true;
  }

  #secure(response: HttpResponse, host: string): void {
    const { socketUrl, gatewayUrl } = this.#config;
    const connect = [
      "'self'",
      ...addresses(socketUrl, host, ['ws:', 'wss:']),
      ...addresses(gatewayUrl, host, ['http:', 'https:']),
    ];
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      `connect-src ${connect.join(' ')}`,
      "frame-src 'self'",
      // /replicas shows the page of every replica.
      "frame-ancestors 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "manifest-src 'self'",
    ];
    response
      .writeHeader('Content-Security-Policy', policy.join('; '))
      .writeHeader('Referrer-Policy', 'no-referrer')
      .writeHeader('X-Frame-Options', 'SAMEORIGIN')
      .writeHeader('Permissions-Policy', 'camera=(), microphone=(), geolocation=()');
  }
}

function fileOf(url: string): string {
  if (url === '/') return '/index.html';
  if (url === '/replicas') return '/replicas.html';
  return url;
}

function readFile(path: string, config: PageConfig): File {
  const extension = extname(path);
  const html = extension === '.html';
  const identity = html ? Buffer.from(inject(readFileSync(path, 'utf8'), config)) : readFileSync(path);
  return {
    type: TYPES[extension] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(identity).digest('base64url').slice(0, 22)}"`,
    html,
    immutable: path.includes('/assets/'),
    bodies: { identity, gzip: gzipSync(identity), br: brotliCompressSync(identity, BROTLI) },
  };
}

/** Puts the configuration where the page looks for it; the content security policy allows no inline script. */
function inject(html: string, config: PageConfig): string {
  const json = JSON.stringify(config)
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;');
  return html.replace(
    /(<meta\s+name="chat-config"\s+content=)"[^"]*"/,
    (_match, start: string) => `${start}"${json}"`,
  );
}

function encodingOf(accepted: string): keyof File['bodies'] {
  if (/\bbr\b/.test(accepted)) return 'br';
  return /\bgzip\b/.test(accepted) ? 'gzip' : 'identity';
}

/** The sources of a content security policy for an address; `:8081` is the request's own host name with that port. */
function addresses(address: string, host: string, protocols: string[]): string[] {
  if (address === '') return [];
  if (!address.startsWith(':'))
    return [new URL(address).origin === 'null' ? originOf(address) : new URL(address).origin];
  const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
  return url ? protocols.map((protocol) => `${protocol}//${url.hostname}${address}`) : [];
}

function originOf(address: string): string {
  const { protocol, host } = new URL(address);
  return `${protocol}//${host}`;
}
