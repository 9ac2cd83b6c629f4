import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import express from 'express';
import { afterEach, expect, it } from 'vitest';
import { createBodyTime } from '../../../src/api/body-time.ts';

const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const LONGEST_MS = 50;

/** Answers when a body has come. */
const listen = async (): Promise<number> => {
  const app = express();
  app.use(createBodyTime(/^\/long\//, LONGEST_MS));
  app.use((req, res) => {
    req.on('end', () => res.end('all'));
    req.resume();
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** Sends half of a body. */
const begin = async (port: number, path: string): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  closers.push(() => {
    socket.destroy();
  });
  socket.write(`PUT ${path} HTTP/1.1\r\nhost: me\r\ncontent-length: 4\r\n\r\nha`);
  await once(socket, 'connect');
  return socket;
};

it('cuts who does not send the whole body in time', async () => {
  const socket = await begin(await listen(), '/short');
  await expect(once(socket.resume(), 'close')).resolves.toEqual([false]);
});

it('leaves a body alone that may take long', async () => {
  const port = await listen();
  const long = await begin(port, '/long/body');
  const short = await begin(port, '/short');
  await once(short.resume(), 'close');
  long.write('lf');
  const [answer] = (await once(long, 'data')) as [Buffer];
  expect(answer.toString()).toContain('all');
});

it('does not time requests without a body', async () => {
  const answer = await fetch(`http://127.0.0.1:${String(await listen())}/short`);
  expect(await answer.text()).toBe('all');
});
