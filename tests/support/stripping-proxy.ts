/** A reverse proxy on loopback that takes a path prefix off, as a web server before Magnetar does. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StrippingProxy {
  /** `http://127.0.0.1:<port><prefix>`. */
  readonly url: string;
  close(): Promise<void>;
}

export interface StrippingProxyOptions {
  /** Where the requests go. Asked for each one. */
  readonly target: () => string;
  /** Such as `/tes`. */
  readonly prefix: string;
}

export const startStrippingProxy = async ({
  target,
  prefix,
}: StrippingProxyOptions): Promise<StrippingProxy> => {
  const forward = (req: IncomingMessage, res: ServerResponse): void => {
    const path = req.url ?? '';
    if (!path.startsWith(`${prefix}/`)) {
      res.writeHead(502).end('not below the prefix');
      return;
    }
    const { host, ...others } = req.headers;
    const from = [req.headers['x-forwarded-for'], req.socket.remoteAddress].filter(Boolean);
    const headers = {
      ...others,
      'x-forwarded-for': from.join(', '),
      'x-forwarded-host': host,
      'x-forwarded-proto': 'http',
    };
    const url = `${target()}${path.slice(prefix.length)}`;
    const sent = request(url, { method: req.method, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    sent.on('error', () => res.destroy());
    req.pipe(sent);
  };
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}${prefix}`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
