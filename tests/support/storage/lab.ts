/** All storages that a task may meet, each a real server on loopback, and the configuration that lets tasks use them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FTP_PASSWORD, FTP_USER, startFtpServer } from './ftp-server.ts';
import { servedFolder, type ServedFolder } from './names.ts';
import { NGINX_PASSWORD, NGINX_USER, startNginx } from './nginx.ts';
import { startVersitygw } from './versitygw.ts';

/** One kind of storage, seen from a task and past it. */
export interface Shelf extends ServedFolder {
  /** As a task names it. */
  url(path: string): string;
}

export const SHELVES = ['ftp', 'http', 's3'] as const;

export interface StorageLab {
  readonly shelves: Readonly<Record<(typeof SHELVES)[number], Shelf>>;
  /** For the configuration file of a server. */
  readonly config: string;
  /** Texts that must not be seen anywhere. */
  readonly secrets: readonly string[];
  stop(): Promise<void>;
}

const shelf = (folder: ServedFolder, base: string): Shelf => ({
  put: folder.put,
  putFolder: folder.putFolder,
  get: folder.get,
  files: folder.files,
  url: (path) => base + path,
});

export const startStorageLab = async (): Promise<StorageLab> => {
  const [ftp, nginx, s3] = await Promise.all([
    startFtpServer({ tls: false }),
    startNginx(),
    startVersitygw(),
  ]);
  const bucket = join(s3.data, 'bucket');
  mkdirSync(bucket);
  const web = `127.0.0.1:${String(nginx.port)}`;
  return {
    shelves: {
      ftp: shelf(ftp, `ftp://127.0.0.1:${String(ftp.port)}/`),
      http: shelf(nginx, `http://${web}/files/`),
      s3: shelf(servedFolder(bucket), 's3://bucket/'),
    },
    config: `
[storage.http]
allow = ["127.0.0.1"]

[[storage.http.hosts]]
host = "${web}"
user = "${NGINX_USER}"
password = "${NGINX_PASSWORD}"

[storage.ftp]
allow = ["127.0.0.1"]

[[storage.ftp.hosts]]
host = "127.0.0.1"
user = "${FTP_USER}"
password = "${FTP_PASSWORD}"

[[storage.s3]]
name = "lab"
endpoint = "${s3.endpoint}"
access_key = "${s3.accessKey}"
secret_key = "${s3.secretKey}"
`,
    secrets: [FTP_PASSWORD, NGINX_PASSWORD, s3.secretKey],
    async stop() {
      await Promise.all([ftp.stop(), nginx.stop(), s3.stop()]);
    },
  };
};
