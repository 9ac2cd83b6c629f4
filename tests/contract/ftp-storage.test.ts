import { createAddressGuard } from '../../src/storage/connect/address-guard.ts';
import { createFtpStorage } from '../../src/storage/ftp/ftp-storage.ts';
import type { FtpHost } from '../../src/storage/ftp/places.ts';
import { FTP_PASSWORD, FTP_USER, startFtpServer } from '../support/storage/ftp-server.ts';
import { startShortFtpServer } from '../support/storage/short-ftp.ts';
import { freePort, startSilentServer } from '../support/storage/ports.ts';
import { busySockets, objectStorageContract } from './object-storage.contract.ts';

for (const tls of [false, true]) {
  const closers: (() => Promise<void>)[] = [];
  const closing = <Thing>(thing: Thing, close: (thing: Thing) => Promise<void>): Thing => {
    closers.push(() => close(thing));
    return thing;
  };

  objectStorageContract({
    name: tls ? 'FTPS, pyftpdlib' : 'FTP, pyftpdlib',
    oddNames: ['.hidden', '..a'],
    from: 'server',
    hasVersions: true,
    makesFolders: true,
    async setup() {
      const server = closing(await startFtpServer({ tls }), (one) => one.stop());
      const silent = closing(await startSilentServer(), (one) => one.close());
      const short = closing(await startShortFtpServer(), (one) => one.close());
      const own = { host: 'localhost', user: FTP_USER, password: FTP_PASSWORD };
      const storageOf = (host: FtpHost, allow: readonly string[]) =>
        closing(
          createFtpStorage({
            guard: createAddressGuard({ allow }),
            hosts: [host],
            stallMs: 20_000,
            connections: 8,
            ...(tls ? { ca: server.ca } : {}),
          }),
          (storage) => storage.close(),
        );
      const at = (port: number, scheme = 'ftp'): string => `${scheme}://localhost:${String(port)}`;
      const base = at(server.port, tls ? 'ftps' : 'ftp');
      return {
        ...server,
        storage: storageOf(own, ['localhost', '127.0.0.1']),
        wrongCredentials: storageOf({ ...own, password: `${FTP_PASSWORD}-no` }, ['localhost']),
        strict: storageOf(own, []),
        url: (names) => `${base}/${names.map(encodeURIComponent).join('/')}`,
        openCount: busySockets,
        nobody: `${at(await freePort())}/blob`,
        silent: `${at(silent.port)}/blob`,
        short: `${at(short.port)}/short`,
        long: `${at(short.port)}/long`,
        secrets: [FTP_PASSWORD, encodeURIComponent(FTP_PASSWORD)],
      };
    },
    async teardown() {
      for (const close of closers.reverse()) await close();
    },
  });
}
