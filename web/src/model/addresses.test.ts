import { describe, expect, it } from 'vitest';
import { apiBase, type Place, parseConfig, pinnedReplica, socketUrls } from './addresses.ts';

function at(url: string): Place {
  return new URL(url);
}

describe('socketUrls', () => {
  it('tries the socket plane on the page host first, then the gateway', () => {
    const urls = socketUrls({ socketUrl: ':8081', gatewayUrl: ':8080' }, at('http://127.0.0.1:8080/'));
    expect(urls).toEqual(['ws://127.0.0.1:8081/ws', 'ws://127.0.0.1:8080/ws']);
  });

  it('uses wss on a page behind TLS', () => {
    expect(socketUrls({ socketUrl: ':8443' }, at('https://chat.example/'))).toEqual([
      'wss://chat.example:8443/ws',
      'wss://chat.example/ws',
    ]);
  });

  it('takes a full URL as it is, and adds the path when it has none', () => {
    const place = at('http://chat.example/');
    expect(socketUrls({ socketUrl: 'wss://s.example/socket' }, place)[0]).toBe('wss://s.example/socket');
    expect(socketUrls({ socketUrl: 'ws://s.example:81/' }, place)[0]).toBe('ws://s.example:81/ws');
  });

  it('falls back to the gateway of a page that was opened on a replica port', () => {
    const urls = socketUrls({ socketUrl: '', gatewayUrl: ':8080' }, at('http://127.0.0.1:40123/'));
    expect(urls).toEqual(['ws://127.0.0.1:8080/ws']);
  });

  it('names the same address once', () => {
    expect(socketUrls({ socketUrl: ':8080' }, at('http://h:8080/'))).toEqual(['ws://h:8080/ws']);
  });

  it('never leaves the pinned replica', () => {
    const config = { socketUrl: ':8081', gatewayUrl: ':8080' };
    expect(socketUrls(config, at('http://h:8080/replica/2/'))).toEqual(['ws://h:8080/replica/2/ws']);
  });

  it('brackets an IPv6 host', () => {
    expect(socketUrls({ socketUrl: ':8081' }, at('http://[::1]:8080/'))[0]).toBe('ws://[::1]:8081/ws');
  });
});

describe('apiBase', () => {
  it('stays on the own origin at the gateway and on a pinned page', () => {
    expect(apiBase({ gatewayUrl: ':8080' }, at('http://h:8080/'))).toBe('');
    expect(apiBase({ gatewayUrl: ':8080' }, at('http://h:8080/replica/1/'))).toBe('');
    expect(apiBase({}, at('http://h:9999/'))).toBe('');
  });

  it('goes to the gateway from a replica port', () => {
    expect(apiBase({ gatewayUrl: ':8080' }, at('http://h:40123/'))).toBe('http://h:8080');
    expect(apiBase({ gatewayUrl: 'http://chat.example/' }, at('http://h:40123/'))).toBe(
      'http://chat.example',
    );
  });

  it('knows the default ports', () => {
    expect(apiBase({ gatewayUrl: 'http://h' }, at('http://h:80/'))).toBe('');
    expect(apiBase({ gatewayUrl: ':443' }, at('https://h/'))).toBe('');
  });
});

describe('parseConfig', () => {
  it('reads what the server wrote', () => {
    expect(parseConfig('{"serverId":"a-1","socketUrl":":8081","gatewayUrl":""}')).toEqual({
      serverId: 'a-1',
      socketUrl: ':8081',
      gatewayUrl: '',
    });
  });

  it.each(['', null, '{', '[]', 'null', '{"socketUrl":5}'])('takes %j for nothing told', (content) => {
    expect(socketUrls(parseConfig(content), at('http://h/'))).toEqual(['ws://h/ws']);
  });
});

describe('pinnedReplica', () => {
  it('reads the number from the path', () => {
    expect(pinnedReplica('/replica/12/')).toBe(12);
    expect(pinnedReplica('/replica/1')).toBe(1);
    expect(pinnedReplica('/replicas')).toBeUndefined();
    expect(pinnedReplica('/')).toBeUndefined();
  });
});
