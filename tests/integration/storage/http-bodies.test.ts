/** Servers whose bodies are not what they say: each ends in a bounded, clear error, or in the right bytes. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  anySignal,
  collect,
  expectFailure,
  openHttp,
  readText,
  startOrigin,
  type Serve,
} from '../../support/storage/http-origin.ts';
import { startTcpServer } from '../../support/storage/ports.ts';
import { until } from '../../support/until.ts';

/** Writes these bytes to whoever connects and has sent a request. */
const startRaw = async (answer: string, andThen: 'end' | 'wait' = 'end'): Promise<string> => {
  const server = await startTcpServer((socket) => {
    socket.once('data', () => {
      if (andThen === 'end') socket.end(answer);
      else socket.write(answer);
    });
  });
  onTestFinished(() => server.close());
  return `http://127.0.0.1:${String(server.port)}/blob`;
};

const send =
  (headers: Readonly<Record<string, string>>, body: string | Buffer, status = 200): Serve =>
  (_, response) => {
    response.writeHead(status, headers).end(body);
  };

describe('the announced length', () => {
  it('is too long: the cut is worth another try', async () => {
    const url = await startRaw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
    await expectFailure(readText(openHttp(), url), 'STORAGE_UNAVAILABLE');
  });

  it('is too short: no byte more is taken', async () => {
    const url = await startRaw('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n12345');
    expect(await readText(openHttp(), url)).toBe('123');
  });

  it('is no number, or two numbers: it is no HTTP', async () => {
    for (const lengths of ['content-length: five', 'content-length: 5\r\ncontent-length: 6']) {
      const url = await startRaw(`HTTP/1.1 200 OK\r\n${lengths}\r\n\r\n12345`);
      await expectFailure(readText(openHttp(), url), 'STORAGE_FAILED');
    }
  });

  it('is missing, and the chunks break off: worth another try', async () => {
    const url = await startRaw(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n',
    );
    await expectFailure(readText(openHttp(), url), 'STORAGE_UNAVAILABLE');
  });

  it('is missing, and there is no end: no more is taken than is read', async () => {
    let sent = 0;
    const origin = await startOrigin((_, response) => {
      const more = (): void => {
        let goesOn = true;
        while (goesOn && !response.destroyed) {
          sent += 65_536;
          goesOn = response.write(Buffer.alloc(65_536));
        }
      };
      response.on('drain', more);
      more();
    });
    const { body, size } = await openHttp().read(origin.url, anySignal());
    expect(size).toBeUndefined();
    await once(body, 'readable');
    body.destroy();
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});

describe('a tarpit', () => {
  it.each([
    ['takes the connection and says nothing', ''],
    ['sends half a header', 'HTTP/1.1 200 OK\r\ncontent-le'],
  ])('that %s is left in time', async (_, text) => {
    const url = await startRaw(text, 'wait');
    const error = await expectFailure(
      readText(openHttp({ answerMs: 100 }), url),
      'STORAGE_UNAVAILABLE',
    );
    expect(error.message).toContain('does not answer within 0.1 s');
  });

  it('that falls silent in the middle of the body is left in time', async () => {
    const url = await startRaw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345', 'wait');
    const error = await expectFailure(
      readText(openHttp({ stallMs: 100 }), url),
      'STORAGE_UNAVAILABLE',
    );
    expect(error.message).toContain('sends nothing for 0.1 s');
  });
});

describe('a header', () => {
  it('of absurd size is not taken in', async () => {
    const url = await startRaw(`HTTP/1.1 200 OK\r\nx-much: ${'x'.repeat(1_000_000)}\r\n\r\n`);
    const error = await expectFailure(readText(openHttp(), url), 'STORAGE_FAILED');
    expect(error.message).toContain('the header of its answer is too large');
  });

  it('that is none is told as such', async () => {
    const url = await startRaw('220 ftp.example ready\r\n');
    const error = await expectFailure(readText(openHttp(), url), 'STORAGE_FAILED');
    expect(error.message).toContain('its answer is no HTTP');
  });
});

describe('a status', () => {
  it.each([
    ['seconds', '7', '7'],
    ['a time', 'Wed, 01 Jan 2020 00:00:00 GMT', '0'],
    ['nonsense', 'soon <b>', undefined],
  ])('that asks to come again later says when, by %s', async (_, retryAfter, seconds) => {
    for (const status of [429, 503]) {
      const origin = await startOrigin(send({ 'retry-after': retryAfter }, 'busy', status));
      const error = await expectFailure(readText(openHttp(), origin.url), 'STORAGE_UNAVAILABLE');
      expect(error.headers['retry-after']).toBe(seconds);
    }
  });

  it.each([
    [404, 'STORAGE_MISSING'],
    [410, 'STORAGE_MISSING'],
    [401, 'STORAGE_DENIED'],
    [403, 'STORAGE_DENIED'],
    [400, 'STORAGE_FAILED'],
    [500, 'STORAGE_UNAVAILABLE'],
    [501, 'STORAGE_FAILED'],
    [502, 'STORAGE_UNAVAILABLE'],
    [202, 'STORAGE_FAILED'],
  ] as const)('%i is %s, and its page is not taken in', async (status, code) => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(status).write('x');
    });
    await expectFailure(readText(openHttp(), origin.url), code);
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
  });

  it('204 is no empty file', async () => {
    const origin = await startOrigin(send({}, '', 204));
    await expectFailure(readText(openHttp(), origin.url), 'STORAGE_FAILED');
  });

  it.each([400, 403, 405, 501])('%i to HEAD makes stat ask by GET', async (status) => {
    for (const body of ['12345', '']) {
      const serve: Serve = (request, response) => {
        if (request.method === 'HEAD') response.writeHead(status).end();
        else if (body === '') response.writeHead(416, { 'content-range': 'bytes */0' }).end();
        else response.writeHead(206, { 'content-range': 'bytes 0-0/5', etag: '"e"' }).end('1');
      };
      const origin = await startOrigin(serve);
      const stored = await openHttp().stat(`${origin.url}/x`, anySignal());
      expect(stored).toMatchObject({ kind: 'file', size: body.length });
    }
  });

  it('makes stat take the size of a 200 when ranges are not known either', async () => {
    const origin = await startOrigin((request, response) => {
      if (request.method === 'HEAD') response.writeHead(405).end();
      else response.writeHead(200, { 'content-length': 1_000_000_000 }).write('x');
    });
    expect(await openHttp().stat(`${origin.url}/x`, anySignal())).toEqual({
      kind: 'file',
      size: 1_000_000_000,
    });
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
  });
});

describe('reading on', () => {
  const FILE = 'abcdefghij';
  const rest = { start: 4, version: '"1"' };
  const part = (range: string, extra: Readonly<Record<string, string>> = {}): Serve =>
    send({ 'content-range': `bytes ${range}`, etag: '"1"', ...extra }, FILE.slice(4), 206);
  const whole = send({ etag: '"1"' }, FILE);
  /** Plays `first` for a request with a range, and the whole file for one without. */
  const either =
    (first: Serve): Serve =>
    (request, response) => {
      (request.headers.range === undefined ? whole : first)(request, response);
    };

  const readOn = async (serve: Serve) => {
    const origin = await startOrigin(serve);
    const answer = await openHttp().read(origin.url, { ...anySignal(), ...rest });
    return { origin, start: answer.start, text: (await collect(answer.body)).toString() };
  };

  it('asks for the same version only', async () => {
    const { origin, start, text } = await readOn(part('4-9/10'));
    expect({ start, text }).toEqual({ start: 4, text: 'efghij' });
    expect(origin.seen[0]?.headers).toMatchObject({ range: 'bytes=4-', 'if-range': '"1"' });
  });

  it.each<[string, Serve]>([
    ['answers 200', whole],
    ['sends another part', either(part('3-9/10'))],
    ['does not say what it sends', either(send({ etag: '"1"' }, FILE.slice(4), 206))],
    ['sends a part of another version', either(part('4-9/10', { etag: '"2"' }))],
    ['says that there is no such part', either(send({ 'content-range': 'bytes */3' }, '', 416))],
    ['says 416 without a length', either(send({}, '', 416))],
  ])('begins anew where the server %s', async (_, serve) => {
    const { start, text } = await readOn(serve);
    expect({ start, text }).toEqual({ start: 0, text: FILE });
  });

  it('ends at the end', async () => {
    const origin = await startOrigin(send({ 'content-range': 'bytes */4' }, '', 416));
    const answer = await openHttp().read(origin.url, { ...anySignal(), ...rest });
    expect(answer).toMatchObject({ start: 4, size: 4 });
    expect(await collect(answer.body)).toHaveLength(0);
  });

  it('takes a part that stops early for a cut', async () => {
    const serve = send({ 'content-range': 'bytes 4-6/10', etag: '"1"' }, 'efg', 206);
    await expectFailure(readOn(serve), 'STORAGE_UNAVAILABLE');
  });

  it('fails where even a request without a range gets a part', async () => {
    const serve = part('3-9/10');
    await expectFailure(readOn(serve), 'STORAGE_FAILED');
  });
});

describe('a coding that nobody has asked for', () => {
  const bytes = gzipSync('hello');
  it('is a clear error: neither form is the right one for sure', async () => {
    const origin = await startOrigin(send({ 'content-encoding': 'gzip' }, bytes));
    const error = await expectFailure(readText(openHttp(), `${origin.url}/x`), 'STORAGE_FAILED');
    expect(error.message).toContain('sends gzip, but was asked for plain bytes');
    expect(origin.seen[0]?.headers['accept-encoding']).toBe('identity');
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
  });

  it.each(['x.gz', 'x.tar.gz', 'x.TGZ'])('of %s is how it is stored', async (name) => {
    const origin = await startOrigin(send({ 'content-encoding': 'x-gzip' }, bytes));
    const { body } = await openHttp().read(`${origin.url}/${name}?a=b`, anySignal());
    expect((await collect(body)).equals(bytes)).toBe(true);
  });
});

describe('a checksum of the server', () => {
  const sha256 = createHash('sha256').update('hello').digest('base64');
  const md5 = createHash('md5').update('hello').digest('base64');
  const OFFERS = [
    { digest: `SHA-256=${sha256},unixsum=7` },
    { 'repr-digest': `sha-256=:${sha256}:` },
    { 'content-digest': `md5=:${md5}:, sha-256=:${sha256}:` },
    { 'content-md5': md5 },
  ];

  it.each(OFFERS)('holds: %j', async (headers) => {
    const origin = await startOrigin(send(headers, 'hello'));
    expect(await readText(openHttp(), origin.url)).toBe('hello');
  });

  it.each(OFFERS)('does not hold: %j', async (headers) => {
    const origin = await startOrigin(send(headers, 'hellO'));
    const error = await expectFailure(readText(openHttp(), origin.url), 'STORAGE_FAILED');
    expect(error.message).toMatch(/its bytes differ from the (sha-256|md5) checksum it sends$/);
    expect(error.row.retryable).toBe(false);
  });

  it('is of the whole file, so it says nothing of a part', async () => {
    const headers = { digest: `sha-256=${sha256}`, 'content-range': 'bytes 4-4/5' };
    const origin = await startOrigin(send(headers, 'o', 206));
    expect(await readText(openHttp(), origin.url, { start: 4 })).toBe('o');
  });
});
