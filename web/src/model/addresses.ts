/** What the server tells the page in `<meta name="chat-config">`; every field may be missing or empty. */
export interface ChatConfig {
  /** The replica that served the page. */
  serverId?: string;
  /** The socket plane: ":8081" is that port of the page's own host; else a ws: or wss: URL. */
  socketUrl?: string;
  /** Where auth and history answer when the page was opened on a replica's own port; forms as for socketUrl. */
  gatewayUrl?: string;
}

/** The parts of `window.location` that decide. */
export type Place = Pick<Location, 'protocol' | 'host' | 'hostname' | 'port' | 'pathname'>;

const PINNED = /^\/replica\/(\d{1,3})(?:\/|$)/;

/** Reads the meta element's content; anything but a JSON object of strings counts as not told. */
export function parseConfig(content: string | null | undefined): ChatConfig {
  if (!content) return {};
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return {};
  }
  if (typeof value !== 'object' || value === null) return {};
  const fields = value as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : undefined);
  return { serverId: text('serverId'), socketUrl: text('socketUrl'), gatewayUrl: text('gatewayUrl') };
}

/** The number of the replica to which the path pins the page, if it does. */
export function pinnedReplica(pathname: string): number | undefined {
  const match = PINNED.exec(pathname);
  return match ? Number(match[1]) : undefined;
}

/** The base of HTTP calls: '' is the page's own origin, otherwise an absolute URL without a closing slash. */
export function apiBase(config: ChatConfig, place: Place): string {
  if (pinnedReplica(place.pathname) !== undefined || !config.gatewayUrl) return '';
  const gateway = absolute(config.gatewayUrl, place.protocol, place.hostname);
  return portOf(new URL(gateway)) === portOf(place) ? '' : gateway;
}

/**
 * The WebSocket addresses in the order in which they are tried: a pinned page has its own replica's alone, any other
 * the socket plane's when there is one, then the gateway's.
 */
export function socketUrls(config: ChatConfig, place: Place): string[] {
  const scheme = place.protocol === 'https:' ? 'wss:' : 'ws:';
  const pinned = pinnedReplica(place.pathname);
  if (pinned !== undefined) return [`${scheme}//${place.host}/replica/${pinned}/ws`];
  const base = apiBase(config, place).replace(/^http/, 'ws') || `${scheme}//${place.host}`;
  if (!config.socketUrl) return [`${base}/ws`];
  const plane = withPath(absolute(config.socketUrl, scheme, place.hostname));
  return [...new Set([plane, `${base}/ws`])];
}

function absolute(address: string, scheme: string, hostname: string): string {
  const url = address.startsWith(':') ? `${scheme}//${hostname}${address}` : address;
  return url.replace(/\/+$/, '');
}

function withPath(url: string): string {
  return new URL(url).pathname === '/' ? `${url}/ws` : url;
}

function portOf({ protocol, port }: { protocol: string; port: string }): string {
  return port || (protocol === 'https:' || protocol === 'wss:' ? '443' : '80');
}
