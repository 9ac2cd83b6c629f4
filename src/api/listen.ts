/** Binds the application to a port, and lets go of it again. */
import { createServer, type RequestListener } from 'node:http';

export interface Listener {
  /** Port really taken. */
  readonly port: number;
  /** Answers when the last request has ended; cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Rejects with the system's error (EADDRINUSE, EACCES, …). Port 0 takes a free one. */
export const listen = (app: RequestListener, host: string, port: number): Promise<Listener> =>
  new Promise((resolve, reject) => {
    const server = createServer(app);
    server.once('error', reject);
    server.listen(port, host, () => {
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
