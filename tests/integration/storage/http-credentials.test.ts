/** Which credentials a request carries, and that URLs are asked for as they are written. */
import { describe, expect, it } from 'vitest';
import {
  anySignal,
  expectFailure,
  openHttp,
  readText,
  startOrigin,
  type Serve,
} from '../../support/storage/http-origin.ts';

const basic = (text: string): string => `Basic ${Buffer.from(text, 'utf8').toString('base64')}`;
const HOST = '127.0.0.1';

const echo: Serve = (request, response) => {
  response.end(request.headers.authorization ?? 'none');
};

describe('a request carries', () => {
  it.each([
    ['user and password of its host', { host: HOST, user: 'u', password: 'p:ä' }, basic('u:p:ä')],
    ['a user without password', { host: HOST, user: 'u' }, basic('u:')],
    ['the token before the user', { host: HOST, user: 'u', token: 't' }, 'Bearer t'],
    ['nothing for another host', { host: '127.0.0.2', token: 't' }, 'none'],
    ['nothing for another port', { host: `${HOST}:1`, token: 't' }, 'none'],
    ['nothing where none is configured', { host: HOST, upload: 'post' as const }, 'none'],
  ])('%s', async (_, host, wanted) => {
    const origin = await startOrigin(echo);
    expect(await readText(openHttp({ hosts: [host] }), origin.url)).toBe(wanted);
  });

  it('what is configured for its port rather than for the host', async () => {
    const origin = await startOrigin(echo);
    const hosts = [
      { host: HOST, token: 'host' },
      { host: `${HOST}:${String(origin.port)}`, token: 'port' },
    ];
    expect(await readText(openHttp({ hosts }), origin.url)).toBe('Bearer port');
  });

  it('what its URL brings rather than what is configured, decoded', async () => {
    const origin = await startOrigin(echo);
    const storage = openHttp({ hosts: [{ host: HOST, token: 't' }] });
    const at = (userInfo: string): string => origin.url.replace('//', `//${userInfo}@`);
    expect(await readText(storage, at('me:p%40ss%3A%25'))).toBe(basic('me:p@ss:%'));
    expect(await readText(storage, at('me:100%'))).toBe(basic('me:100%'));
    expect(await readText(storage, at('me'))).toBe(basic('me:'));
  });
});

it('shows the secrets of a URL in no error', async () => {
  const origin = await startOrigin((_, response) => {
    response.writeHead(403).end();
  });
  const url = `${origin.url.replace('//', '//me:hidden@')}/a?sig=secret#mark`;
  const storage = openHttp();
  const secrets = ['hidden', 'secret', basic('me:hidden').slice('Basic '.length)];
  const error = await expectFailure(readText(storage, url), 'STORAGE_DENIED', ...secrets);
  expect(error.message).toBe(`${origin.url}/a: answers HTTP 403`);
  await expectFailure(storage.stat(url, anySignal()), 'STORAGE_DENIED', ...secrets);
});

it.each([
  ['/a?x=1&y=%2F+%20;z', '/a?x=1&y=%2F+%20;z'],
  ['/a?X-Amz-Signature=a%2Bb/c==&x', '/a?X-Amz-Signature=a%2Bb/c==&x'],
  ['/a%2Fb%20c/%C3%A4#mark?no', '/a%2Fb%20c/%C3%A4'],
  ['/a?q#mark', '/a?q'],
  ['//a//b', '//a//b'],
  ["/it's[1]{2}|^`~", "/it's[1]%7B2%7D|^%60~"],
])('%s is asked for as %s', async (given, asked) => {
  const origin = await startOrigin(echo);
  await readText(openHttp(), `${origin.url}${given}`);
  expect(origin.seen.map(({ path }) => path)).toEqual([asked]);
});
