/** Binds the application to a port, and lets go of it again. */
import { createServer, type RequestListener } from 'node:http';
import type { Logger } from '../kernel/logger.ts';

export interface Listener {
  /** Port really taken. */
  readonly port: number;
  /** Answers when the last request has ended; cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Told of errors once the port is taken, such as too many open files. */
  readonly logger: Logger;
}

const HEADERS_MS = 60_000;

/** Bodies are timed by the application, see body-time.ts. Rejects with the system's error (EADDRINUSE, EACCES, …). */
export const listen = (
  app: RequestListener,
  { host, port, logger }: ListenOptions,
): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createServer({ requestTimeout: 0, headersTimeout: HEADERS_MS }, app);
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      server.on('error', (error) => {
        logger.error('the HTTP server failed', { error });
      });
      const address = server.address();
      const taken = typeof address === 'object' && address !== null ? address.port : port;
      resolve({
        port: taken,
        close: (graceMs) =>
          new Promise((done) => {
            const cut = setTimeout(() => {
              server.closeAllConnections();
            }, graceMs);
            server.close(() => {
              clearTimeout(cut);
              done();
            });
            server.closeIdleConnections();
          }),
      });
    });
  });
