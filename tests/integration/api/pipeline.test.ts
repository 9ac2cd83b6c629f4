/** What is kept of a request must go with its client, also behind another one on the same connection. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPipelines } from '../../../src/api/pipeline.ts';
import { until } from '../../support/until.ts';

/** A server that answers `/now` and nothing else; `closed` names the requests whose responses were closed. */
const serve = async () => {
  const closed: string[] = [];
  const seen: string[] = [];
  const app = express();
  const follow = createPipelines();
  app.use((req, res) => {
    seen.push(req.url);
    follow(req, res);
    res.on('close', () => closed.push(req.url));
    if (req.url === '/now') res.end('now');
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.resume();
  const send = (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return { closed, seen, socket, send };
};

describe('requests of one connection', () => {
  it('are all closed, each once, when their client leaves', async () => {
    const { closed, seen, socket, send } = await serve();
    for (const path of ['/first', '/second', '/now', '/fourth']) send(path);
    await until(() => seen.length === 4, { what: 'all requests' });
    socket.destroy();
    await until(() => closed.length >= 4, { what: 'all ends' });
    expect(closed.toSorted()).toEqual(['/first', '/fourth', '/now', '/second']);
  });

  it('are closed once as they are answered', async () => {
    const { closed, seen, socket, send } = await serve();
    for (let n = 1; n <= 20; n += 1) {
      send('/now');
      await until(() => closed.length === n, { what: 'an end' });
    }
    send('/last');
    await until(() => seen.includes('/last'), { what: 'the last request' });
    socket.destroy();
    await until(() => closed.includes('/last'), { what: 'the last end' });
    expect(closed).toHaveLength(21);
  });
});
