/** An HTTP server that answers like a Pulsar in trouble: what a real one does only by accident. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** Answers one request; `hang up` closes the socket without an answer, `never` does nothing. */
export type Reply =
  | 'hang up'
  | 'never'
  | {
      readonly status?: number;
      readonly body?: string;
      /** The body is only the beginning: the connection breaks, or nothing more comes. */
      readonly then?: 'break' | 'stall';
    };

export interface FakePulsar {
  readonly url: string;
  readonly seen: readonly Seen[];
  /** Most requests that were under way at once. */
  readonly peak: () => number;
  /** Connections that are open. */
  readonly open: () => Promise<number>;
  close(): Promise<void>;
}

const answer = (reply: Reply, response: ServerResponse): void => {
  if (reply === 'never') return;
  if (reply === 'hang up') {
    response.destroy();
    return;
  }
  response.writeHead(reply.status ?? 200, { 'content-type': 'text/html' });
  if (reply.then === undefined) response.end(reply.body ?? 'OK');
  else {
    response.write(reply.body ?? '', () => {
      if (reply.then === 'break') response.destroy();
    });
  }
};

export const startFakePulsar = async (
  script: (request: Seen, n: number) => Reply | Promise<Reply>,
): Promise<FakePulsar> => {
  const seen: Seen[] = [];
  let underWay = 0;
  let peak = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    underWay += 1;
    peak = Math.max(peak, underWay);
    response.once('close', () => (underWay -= 1));
    request.resume();
    await once(request, 'end');
    const url = new URL(request.url ?? '/', 'http://fake');
    const { method = '', headers } = request;
    const one = { method, path: url.pathname, query: url.searchParams, headers };
    seen.push(one);
    answer(await script(one, seen.length), response);
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${String(address.port)}`,
    seen,
    peak: () => peak,
    open: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
