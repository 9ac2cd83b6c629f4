import { createAddressGuard } from '../../src/storage/connect/address-guard.ts';
import { createHttpStorage } from '../../src/storage/http/http-storage.ts';
import type { HttpHost } from '../../src/storage/http/hosts.ts';
import { NGINX_PASSWORD, NGINX_USER, startNginx } from '../support/storage/nginx.ts';
import { freePort, startSilentServer, startTcpServer } from '../support/storage/ports.ts';
import { busySockets, objectStorageContract } from './object-storage.contract.ts';

const closers: (() => Promise<void>)[] = [];
const closing = <Thing>(thing: Thing, close: (thing: Thing) => Promise<void>): Thing => {
  closers.push(() => close(thing));
  return thing;
};

const storageOf = (hosts: readonly HttpHost[], allow: readonly string[] = ['127.0.0.1']) =>
  closing(
    createHttpStorage({
      guard: createAddressGuard({ allow }),
      hosts,
      answerMs: 20_000,
      stallMs: 20_000,
    }),
    (storage) => storage.close(),
  );

objectStorageContract({
  name: 'HTTP, nginx',
  oddNames: ['new\nline', '\u0001'],
  from: 'server',
  hasVersions: true,
  makesFolders: false,
  async setup() {
    const nginx = closing(await startNginx(), (one) => one.stop());
    const silent = closing(await startSilentServer(), (one) => one.close());
    const short = closing(
      await startTcpServer((socket) => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n12345');
      }),
      (one) => one.close(),
    );
    const at = (port: number): string => `http://127.0.0.1:${String(port)}`;
    const host = `127.0.0.1:${String(nginx.port)}`;
    const own = { host, user: NGINX_USER, password: NGINX_PASSWORD };
    return {
      ...nginx,
      storage: storageOf([own]),
      wrongCredentials: storageOf([{ ...own, password: `${NGINX_PASSWORD}-no` }]),
      strict: storageOf([own], []),
      url: (names) => `${at(nginx.port)}/files/${names.map(encodeURIComponent).join('/')}`,
      openCount: busySockets,
      nobody: `${at(await freePort())}/blob`,
      silent: `${at(silent.port)}/blob`,
      short: `${at(short.port)}/blob`,
      secrets: [NGINX_PASSWORD, Buffer.from(`${NGINX_USER}:${NGINX_PASSWORD}`).toString('base64')],
    };
  },
  async teardown() {
    for (const close of closers.reverse()) await close();
  },
});
