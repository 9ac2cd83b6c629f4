/** All storages that a task may meet, each a real server on loopback, and the configuration that lets tasks use them. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FTP_PASSWORD, FTP_USER, startFtpServer, type FtpServer } from './ftp-server.ts';
import { servedFolder, type ServedFolder } from './names.ts';
import { NGINX_PASSWORD, NGINX_USER, startNginx, type Nginx } from './nginx.ts';
import { startVersitygw, type Versitygw } from './versitygw.ts';

/** One kind of storage, seen from a task and past it. */
export interface Shelf extends ServedFolder {
  /** As a task names it. */
  url(path: string): string;
  /** The same with the credentials, and the service where there is one, in it. */
  openUrl(path: string): string;
  /** Arguments by which curl reaches it, past the server under test. */
  curl(path: string): readonly string[];
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

const login = (user: string, password: string): string =>
  `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;

export const shelf = (
  folder: ServedFolder,
  base: string,
  openBase: string,
  curl: Shelf['curl'] = (path) => [openBase + path],
): Shelf => ({
  root: folder.root,
  put: folder.put,
  putFolder: folder.putFolder,
  get: folder.get,
  files: folder.files,
  url: (path) => base + path,
  openUrl: (path) => openBase + path,
  curl,
});

export interface StorageServers {
  readonly ftp: FtpServer;
  readonly nginx: Nginx;
  readonly s3: Versitygw;
}

/** Where tasks find each: `host:port`. */
export type Doors = Readonly<Record<keyof StorageLab['shelves'], string>>;

const addressOf = (port: number): string => `127.0.0.1:${String(port)}`;

export const createStorageLab = ({ ftp, nginx, s3 }: StorageServers, doors: Doors): StorageLab => {
  const bucket = join(s3.data, 'bucket');
  mkdirSync(bucket);
  const s3Keys = login(s3.accessKey, s3.secretKey);
  return {
    shelves: {
      ftp: shelf(ftp, `ftp://${doors.ftp}/`, `ftp://${login(FTP_USER, FTP_PASSWORD)}${doors.ftp}/`),
      http: shelf(
        nginx,
        `http://${doors.http}/files/`,
        `http://${login(NGINX_USER, NGINX_PASSWORD)}${doors.http}/files/`,
      ),
      s3: shelf(
        servedFolder(bucket),
        's3://bucket/',
        `s3://${s3Keys}${doors.s3}/bucket/`,
        (path) => [
          ...['--aws-sigv4', 'aws:amz:us-east-1:s3', '--user', `${s3.accessKey}:${s3.secretKey}`],
          ...['--header', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'],
          `${s3.endpoint}/bucket/${path}`,
        ],
      ),
    },
    config: `
[storage.http]
allow = ["127.0.0.1"]

[[storage.http.hosts]]
host = "${doors.http}"
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
endpoint = "http://${doors.s3}"
access_key = "${s3.accessKey}"
secret_key = "${s3.secretKey}"
`,
    secrets: [FTP_PASSWORD, NGINX_PASSWORD, s3.secretKey],
    async stop() {
      await Promise.all([ftp.stop(), nginx.stop(), s3.stop()]);
    },
  };
};

export const startStorageLab = async (): Promise<StorageLab> => {
  const [ftp, nginx, s3] = await Promise.all([
    startFtpServer({ tls: false }),
    startNginx(),
    startVersitygw(),
  ]);
  return createStorageLab(
    { ftp, nginx, s3 },
    { ftp: addressOf(ftp.port), http: addressOf(nginx.port), s3: new URL(s3.endpoint).host },
  );
};
