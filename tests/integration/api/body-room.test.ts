/** Large bodies that never end must not take all memory. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { constants, deflateSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { ANYBODY } from '../../../src/tasks/principal.ts';
import { until } from '../../support/until.ts';
import { startHarness, type Harness } from './harness.ts';

const MIB = 1024 * 1024;
/** The harness takes bodies of 16 MiB; sixteen of them fill the room. */
const FULL = 16;

let h: Harness;
let judged = createDeferred<undefined>();
let judging = 0;
beforeAll(async () => {
  judged.resolve(undefined);
  h = await startHarness(({ access }) => ({
    access: {
      ...access,
      authenticate: async () => {
        judging += 1;
        await judged.promise;
        return ANYBODY;
      },
    },
  }));
});
afterAll(() => h.close());

/** Sends the head of a request and some of its body, after what is to be answered before it. */
const begin = (framing: string, body: string | Buffer, before = ''): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(Number(new URL(h.root).port), '127.0.0.1', () => {
      const head = `${before}POST /v1/tasks HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${framing}\r\n\r\n`;
      socket.write(Buffer.concat([Buffer.from(head), Buffer.from(body)]));
      resolve(socket);
    });
    socket.on('error', () => undefined); // cut while it still sends
  });

const answerOf = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    socket.once('data', (bytes) => {
      resolve(bytes.toString());
    });
  });

const tryOne = async (): Promise<string> => {
  const socket = await begin(`Content-Length: ${String(16 * MIB)}`, '{"executors":');
  const timer = setTimeout(() => socket.emit('data', Buffer.from('taken')), 100);
  const answer = await answerOf(socket);
  clearTimeout(timer);
  socket.destroy();
  return answer;
};

describe('large bodies on their way', () => {
  it('are refused beyond a bound, while small ones and later ones are taken', async () => {
    const open = await Promise.all(
      Array.from({ length: FULL }, () => begin(`Content-Length: ${String(16 * MIB)}`, '{')),
    );
    await until(async () => (await tryOne()).startsWith('HTTP/1.1 503'), { what: 'a refusal' });
    await h.create();
    for (const socket of open) socket.destroy();
    await until(async () => (await tryOne()) === 'taken', { what: 'room again' });
  });

  it('are refused for their own length where that is too much', async () => {
    const body = Buffer.alloc(17 * MIB, 0x20);
    const socket = await begin(`Content-Length: ${String(body.length)}`, body);
    expect(await answerOf(socket)).toMatch(/^HTTP\/1.1 413/);
    socket.destroy();
  });

  it('count as they come when they come in chunks', async () => {
    const chunk = Buffer.alloc(15 * MIB, 0x20);
    const framed = Buffer.concat([
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]);
    const closed: Socket[] = [];
    const sockets = await Promise.all(
      Array.from({ length: FULL + 3 }, async () => {
        const socket = await begin('Transfer-Encoding: chunked', framed);
        socket.on('close', () => closed.push(socket));
        return socket;
      }),
    );
    await until(() => closed.length > 0, { what: 'a cut connection' });
    for (const socket of sockets) socket.destroy();
    await h.create();
  });

  it('of clients who leave while their credentials are judged are not counted for ever', async () => {
    judged = createDeferred<undefined>();
    judging = 0;
    const open = await Promise.all(
      Array.from({ length: FULL }, () => begin(`Content-Length: ${String(16 * MIB)}`, '{')),
    );
    await until(() => judging === FULL, { what: 'judged credentials' });
    const gone = Promise.all(open.map((socket) => once(socket, 'close')));
    for (const socket of open) socket.destroy();
    await gone;
    await h.call('/healthz'); // the server has noticed
    judged.resolve(undefined);
    await until(async () => (await tryOne()) === 'taken', { what: 'room' });
  });

  it('behind a request that waits are not counted for ever when their client leaves', async () => {
    const id = await h.create();
    const wait = `GET /v1/tasks/${id} HTTP/1.1\r\nHost: localhost\r\nPrefer: wait=60\r\n\r\n`;
    const open = await Promise.all(
      Array.from({ length: FULL }, () => begin(`Content-Length: ${String(16 * MIB)}`, '{', wait)),
    );
    await until(async () => (await tryOne()).startsWith('HTTP/1.1 503'), { what: 'a refusal' });
    for (const socket of open) socket.destroy();
    await until(async () => (await tryOne()) === 'taken', { what: 'room again' });
  });

  it('count as the longest when they are compressed', async () => {
    const flush = { finishFlush: constants.Z_SYNC_FLUSH };
    const packed = deflateSync(Buffer.alloc(15 * MIB, 0x20), flush);
    expect(packed.length).toBeLessThan(64 * 1024);
    const framing = `Content-Encoding: deflate\r\nContent-Length: ${String(packed.length + 1)}`;
    const open = await Promise.all(Array.from({ length: FULL }, () => begin(framing, packed)));
    await until(async () => (await tryOne()).startsWith('HTTP/1.1 503'), { what: 'a refusal' });
    for (const socket of open) socket.destroy();
    await until(async () => (await tryOne()) === 'taken', { what: 'room again' });
  });
});

describe('large beacons on their way', () => {
  it('are refused beyond a bound, for anybody may send them', async () => {
    const length = 2 * MIB;
    const head = `POST /files/x/beacon HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${String(length)}\r\n\r\n`;
    const answers: string[] = [];
    const sockets = Array.from({ length: (FULL * 16) / 2 + 1 }, () => {
      const socket = connect(Number(new URL(h.root).port), '127.0.0.1', () => socket.write(head));
      socket.on('data', (bytes) => answers.push(bytes.toString()));
      return socket;
    });
    await until(() => answers.length > 0, { what: 'a refusal' });
    expect(answers).toEqual([expect.stringMatching(/^HTTP\/1.1 503/)]);
    for (const socket of sockets) socket.destroy();
  });
});
