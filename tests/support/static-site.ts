/** A web site of somebody else on loopback, with one page and the same without a referrer. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export const FOREIGN_PAGE = '<!doctype html><title>foreign</title><body></body>';

/** Its forms are sent with `Origin: null`. */
const SILENT_PAGE = FOREIGN_PAGE.replace(
  '<body>',
  '<meta name="referrer" content="no-referrer">$&',
);

export interface StaticSite {
  readonly port: number;
  close(): Promise<void>;
}

export const startStaticSite = async (): Promise<StaticSite> => {
  const server = createServer((req, res) => {
    res.writeHead(200, { 'content-type': 'text/html' });
    res.end(req.url === '/silent' ? SILENT_PAGE : FOREIGN_PAGE);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
