import fc from 'fast-check';

/** A request as its bytes go out, whether or not they are sound. */
export interface AnyRequest {
  method: string;
  /** As it stands in the first line: with its query, and whatever no URL may hold. */
  target: string;
  headers: readonly (readonly [string, string])[];
  body: string;
  framing: 'none' | 'length' | 'chunked' | 'short' | 'long';
}

export const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'BREW',
];

/** The bytes of a request; headers are written as Latin-1, so that any byte can stand in them. */
export function bytesOf({ method, target, headers, body, framing }: AnyRequest): Buffer {
  const bytes = Buffer.from(body);
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = (framed: string) =>
    Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines}${framed}\r\n`, 'latin1');
  const wrong = { short: -1, long: 5 };
  switch (framing) {
    case 'none':
      return head('');
    case 'chunked': {
      const start = `${bytes.length.toString(16)}\r\n`;
      const chunks = bytes.length > 0 ? [Buffer.from(start), bytes, Buffer.from('\r\n')] : [];
      return Buffer.concat([head('Transfer-Encoding: chunked\r\n'), ...chunks, Buffer.from('0\r\n\r\n')]);
    }
    case 'length':
      return Buffer.concat([head(`Content-Length: ${bytes.length}\r\n`), bytes]);
    default:
      return Buffer.concat([
        head(`Content-Length: ${Math.max(0, bytes.length + wrong[framing])}\r\n`),
        bytes,
      ]);
  }
}

const PIECES = [
  '..',
  '.',
  '',
  '%2e%2e',
  '%00',
  '%ff',
  '%',
  '%zz',
  '\\',
  '\u00e9',
  '0',
  '1:2',
  '01',
  '-1',
  '1e9',
];
const PARAMETERS = ['offset', 'size', 'before', 'after', 'ids[]', 'others', 'lastEventId', 'resume', 'x'];
const VALUES = [
  '',
  '0',
  '1',
  '-1',
  '1e309',
  '1615480369.123456',
  'NaN',
  'true',
  '%ff',
  '1;0=2',
  '0=',
  '__proto__',
];
const FIELDS = ['username', 'password', 'old', 'new', 'user1', 'user2', 'userId', 'name'];
const NAMED: Record<string, string[]> = {
  Host: ['', 'chat', '[::', 'a b', 'chat:99999', '%', 'chat/..', '"', 'x'.repeat(2000)],
  Authorization: ['Bearer', 'Bearer x', 'Basic eDp4', `Bearer ${'x'.repeat(5000)}`],
  Cookie: ['sid', 'sid=', 'sid=%', 'sid=x; sid=y', `sid=${'x'.repeat(5000)}`, ';;;=;'],
  Origin: ['null', 'http://chat', 'http://chat:1', 'x', 'http://[', 'https://evil.example'],
  'Content-Type': [
    '',
    'application/json',
    'application/json; charset=utf-16',
    'application/json;;=',
    'text/plain',
    '/',
  ],
  'Content-Encoding': ['gzip', 'identity', 'x'],
  'Content-Length': ['0', '-1', '1e3', '0x10', '5, 5', '99999999999999999999'],
  'Transfer-Encoding': ['chunked', 'xchunked', 'chunked, chunked', 'gzip, chunked', ' chunked'],
  'Accept-Encoding': ['br', 'gzip;q=0', '*', 'br'.repeat(2000)],
  Connection: ['close', 'keep-alive', 'Upgrade', 'x'],
  Upgrade: ['websocket', 'h2c', 'x'],
  'Sec-WebSocket-Key': ['', 'x', 'dGhlIHNhbXBsZSBub25jZQ==', 'x'.repeat(3000)],
  'Sec-WebSocket-Version': ['13', '0', 'x'],
  'Sec-WebSocket-Protocol': ['x', '', ','],
  'Sec-WebSocket-Extensions': ['permessage-deflate', 'x;;;', 'permessage-deflate; server_max_window_bits=99'],
  Expect: ['100-continue', 'x'],
  Range: ['bytes=0-0', 'bytes=-1', 'x'],
  'If-None-Match': ['*', 'x', '"'],
  'Last-Event-ID': ['0', 'x', '1e999', '1;0=1;1:2=3', '0;'.repeat(1000)],
  'X-Forwarded-For': ['1.2.3.4', '::1', 'x', ',', '::ffff:1.2.3', '1.2.3.4, '.repeat(100)],
  'X-Request-Id': ['x', '', '"', 'x'.repeat(100)],
  'X-Chat-Pinned': ['1'],
  'Access-Control-Request-Method': ['POST', '', 'x'],
};

const header = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Object.keys(NAMED)).chain(withValue) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.stringMatching(/^[!-9;-~]{1,20}$/), fc.stringMatching(/^[\t -~\x80-\xff]*$/)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom('X-Long', 'Accept'),
      fc.nat(20_000).map((n) => 'x'.repeat(n)),
    ),
  },
);

function withValue(name: string): fc.Arbitrary<[string, string]> {
  return fc.constantFrom(...NAMED[name]!).map((value): [string, string] => [name, value]);
}

const nested = fc.integer({ min: 1, max: 7000 }).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`);
const body = fc.oneof(
  fc
    .dictionary(fc.constantFrom(...FIELDS), fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' })))
    .map((value) => JSON.stringify(value)),
  fc.json(),
  nested,
  fc.string({ unit: 'binary' }),
  fc.nat(20_000).map((length) => 'x'.repeat(length)),
);

function targetOf(paths: readonly string[]): fc.Arbitrary<string> {
  const path = fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom(...paths) },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom(...paths), fc.constantFrom(...PIECES)).map((two) => two.join('/')),
    },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.constantFrom(...PIECES, 'room', 'rooms', 'users', 'ws', 'stream'))
        .map((all) => `/${all.join('/')}`),
    },
    { weight: 1, arbitrary: fc.stringMatching(/^\/[!-~\x80-\xff]*$/) },
    { weight: 1, arbitrary: fc.nat(9000).map((length) => `/${'x'.repeat(length)}`) },
    { weight: 1, arbitrary: fc.constantFrom('*', 'http://chat/', 'x', '//', '/?', '/#', 'chat:80') },
  );
  const parameter = fc.tuple(
    fc.constantFrom(...PARAMETERS),
    fc.oneof(fc.constantFrom(...VALUES), fc.stringMatching(/^[!-~]*$/)),
  );
  return fc
    .tuple(path, fc.array(parameter, { maxLength: 4 }))
    .map(([base, query]) =>
      query.length === 0 ? base : `${base}?${query.map((pair) => pair.join('=')).join('&')}`,
    );
}

/**
 * Requests from nearly sound to garbage.
 *
 * @param paths that somebody serves
 * @param tokens of sessions: without one most requests would end at the door
 */
export function anyRequest(paths: readonly string[], tokens: readonly string[]): fc.Arbitrary<AnyRequest> {
  const session = fc.constantFrom(...tokens).map((token) => ['Authorization', `Bearer ${token}`] as const);
  const usual = fc.tuple(
    fc.constant(['Host', 'chat'] as const),
    session,
    fc.constant(['Content-Type', 'application/json'] as const),
  );
  return fc.record({
    method: fc.oneof(
      { weight: 10, arbitrary: fc.constantFrom('GET', 'POST', 'DELETE') },
      { weight: 5, arbitrary: fc.constantFrom(...METHODS) },
      { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{1,12}$/) },
    ),
    target: targetOf(paths),
    headers: fc
      .tuple(
        fc.oneof({ weight: 10, arbitrary: usual }, { weight: 1, arbitrary: fc.constant([]) }),
        fc.array(header, { maxLength: 3 }),
      )
      .map(([first, more]) => [...first, ...more]),
    body,
    framing: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom('length', 'chunked') },
      { weight: 1, arbitrary: fc.constantFrom('none', 'short', 'long') },
    ),
  });
}
