/** Storing: PUT, or a form as users of TESP API's upload server have it. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { ObjectStorage, WriteOptions } from '../../../src/tasks/ports/object-storage.ts';
import {
  anySignal,
  expectFailure,
  openHttp,
  startOrigin,
  type SeenRequest,
  type Serve,
} from '../../support/storage/http-origin.ts';
import { until } from '../../support/until.ts';

const stored: Serve = (request, response) => {
  request.on('end', () => response.writeHead(201).end());
};
const FORM_HOST = { host: '127.0.0.1', user: 'u', password: 'p', upload: 'post' } as const;

const write = (
  storage: ObjectStorage,
  url: string,
  options: Omit<WriteOptions, 'signal'> = {},
  bytes: string | Buffer = 'hello',
): Promise<number> =>
  storage.write(url, Readable.from([Buffer.from(bytes)]), { ...anySignal(), ...options });

const HEAD =
  /^content-disposition: form-data; name="([^"]*)"; filename="([^"]*)"\r\ncontent-type: application\/octet-stream$/;

/** The only field of a form. */
const fileOf = (request: SeenRequest | undefined) => {
  const type = request?.headers['content-type'] ?? '';
  const boundary = /^multipart\/form-data; boundary=([\w-]{1,70})$/.exec(type)?.[1] ?? 'none';
  const [before, part = '', after, ...more] = `\r\n${String(request?.body)}`.split(
    `\r\n--${boundary}`,
  );
  expect([before, after, more]).toEqual(['', '--\r\n', []]);
  const end = part.indexOf('\r\n\r\n');
  const [, field, name] = HEAD.exec(part.slice(2, end)) ?? [];
  return { field, name, text: part.slice(end + 4) };
};

describe('a form', () => {
  it('carries the file, with the credentials of its host', async () => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    expect(await write(storage, `${origin.url}/up/out.txt?k=v`, { size: 5 })).toBe(5);
    const [request] = origin.seen;
    expect(request).toMatchObject({ method: 'POST', path: '/up/out.txt?k=v' });
    expect(request?.headers.authorization).toMatch(/^Basic /);
    expect(request?.headers['content-length']).toBe(String(request?.body.length));
    expect(fileOf(request)).toEqual({ field: 'file', name: 'out.txt', text: 'hello' });
  });

  it('goes to the URL of the task, named by the path below it', async () => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    const form = { url: `${origin.url}/upload`, name: 'sub/dir/out.txt' };
    await write(storage, `${origin.url}/upload/sub/dir/out.txt`, { form });
    expect(origin.seen[0]).toMatchObject({ method: 'POST', path: '/upload' });
    expect(origin.seen[0]?.headers['transfer-encoding']).toBe('chunked');
    expect(fileOf(origin.seen[0])).toMatchObject({ name: 'sub/dir/out.txt' });
  });

  it.each(['two words', '100%', 'ä é 🦆', "it's"])('names the file %j', async (name) => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    await write(storage, `${origin.url}/${encodeURIComponent(name)}`);
    expect(fileOf(origin.seen[0])).toMatchObject({ name, text: 'hello' });
  });

  it('is not broken by a name', async () => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    const form = { url: origin.url, name: 'a"; name="b\r\n\r\nx' };
    await write(storage, origin.url, { form });
    expect(origin.seen[0]?.body.toString()).toContain(
      'filename="a%22; name=%22b%0D%0A%0D%0Ax"\r\n',
    );
    expect(fileOf(origin.seen[0]).field).toBe('file');
  });

  it('holds every byte of a large file, its own boundary included', async () => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    const bytes = Buffer.from('\r\n--magnetar-\r\n'.repeat(200_000));
    expect(await write(storage, `${origin.url}/x`, { size: bytes.length }, bytes)).toBe(
      bytes.length,
    );
    expect(fileOf(origin.seen[0]).text).toBe(bytes.toString());
  });

  it('whose source breaks off is no success, and is not ended', async () => {
    const origin = await startOrigin(stored);
    const storage = openHttp({ hosts: [FORM_HOST] });
    await expectFailure(write(storage, `${origin.url}/x`, { size: 7 }), 'STORAGE_FAILED');
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
    expect(origin.seen).toHaveLength(0);
  });
});

describe('PUT', () => {
  it('carries the bytes and their number', async () => {
    const origin = await startOrigin(stored);
    const form = { url: `${origin.url}/up`, name: 'x' };
    await write(openHttp(), `${origin.url}/up/x?sig=1`, { size: 5, form });
    const [request] = origin.seen;
    expect(request).toMatchObject({ method: 'PUT', path: '/up/x?sig=1' });
    expect(request?.headers).toMatchObject({
      'content-length': '5',
      'content-type': 'application/octet-stream',
    });
    expect(request?.body.toString()).toBe('hello');
  });
});

describe.each(['put', 'post'] as const)('a server that does not take it (%s)', (upload) => {
  const open = (extra: { stallMs?: number; answerMs?: number } = {}) =>
    openHttp({ hosts: [{ host: '127.0.0.1', upload }], ...extra });

  it('and says when to come again', async () => {
    const origin = await startOrigin((request, response) => {
      request.on('end', () => response.writeHead(503, { 'retry-after': '7' }).end());
    });
    const error = await expectFailure(write(open(), origin.url), 'STORAGE_UNAVAILABLE');
    expect(error.headers).toEqual({ 'retry-after': '7' });
  });

  it.each([
    [401, 'STORAGE_DENIED'],
    [405, 'STORAGE_FAILED'],
    [413, 'STORAGE_FAILED'],
    [507, 'STORAGE_UNAVAILABLE'],
  ] as const)('and says %i before the end is %s', async (status, code) => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(status).end();
    });
    const piece = Buffer.alloc(65_536);
    const endless = new Readable({
      read() {
        this.push(piece);
      },
    });
    await expectFailure(open().write(origin.url, endless, anySignal()), code);
    expect(endless.destroyed).toBe(true);
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
  });

  it('and never reads on is left in time', async () => {
    const origin = await startOrigin((request) => request.pause());
    const bytes = Buffer.alloc(64 * 1024 * 1024);
    const error = await expectFailure(
      write(open({ stallMs: 200 }), origin.url, {}, bytes),
      'STORAGE_UNAVAILABLE',
    );
    expect(error.message).toContain('takes nothing for 0.2 s');
  });

  it('and never answers is left in time', async () => {
    const origin = await startOrigin(() => undefined);
    const error = await expectFailure(
      write(open({ answerMs: 200 }), origin.url),
      'STORAGE_UNAVAILABLE',
    );
    expect(error.message).toContain('does not answer within 0.2 s');
  });
});
