/** The storages of the lab, each behind a proxy that breaks what passes when it is told to. */
import { join } from 'node:path';
import { ListMultipartUploadsCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { freePort } from './ports.ts';
import { startFtpServer } from './ftp-server.ts';
import { createStorageLab, SHELVES, shelf, type Shelf, type StorageLab } from './lab.ts';
import { startNginx } from './nginx.ts';
import { startToxiproxy, type Proxy } from './toxiproxy.ts';
import { startVersitygw, type Versitygw } from './versitygw.ts';

/** `direct` needs no credentials: jobs move its files themselves. */
export const FAULTY = ['direct', ...SHELVES] as const;

export type Faulty = (typeof FAULTY)[number];

export interface FaultyShelf extends Shelf {
  readonly proxy: Proxy;
}

export interface FaultyLab extends Pick<StorageLab, 'config' | 'secrets' | 'stop'> {
  readonly shelves: Readonly<Record<Faulty, FaultyShelf>>;
  /** Uploads to S3 that have neither ended nor been given up. */
  openUploads(): Promise<number>;
}

const BUCKET = 'bucket';

const clientOf = ({ endpoint, accessKey, secretKey }: Versitygw): S3Client =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });

const FTP_ADDRESS = '127.0.0.2';
const DATA_PORTS = 4;

const freePorts = (count: number): Promise<readonly number[]> =>
  Promise.all(Array.from({ length: count }, freePort));

/** FTP names the port of its data and never the address: the same ports of another address are the server's. */
export const startFaultyLab = async (): Promise<FaultyLab> => {
  const dataPorts = await freePorts(DATA_PORTS);
  const [ftp, nginx, s3, toxiproxy] = await Promise.all([
    startFtpServer({ tls: false, address: FTP_ADDRESS, dataPorts }),
    startNginx(),
    startVersitygw(),
    startToxiproxy(),
  ]);
  const before = async (to: string): Promise<Proxy> =>
    toxiproxy.before([{ port: await freePort(), to }]);
  const web = `127.0.0.1:${String(nginx.port)}`;
  const proxies: Readonly<Record<Faulty, Proxy>> = {
    direct: await before(web),
    http: await before(web),
    s3: await before(new URL(s3.endpoint).host),
    ftp: await toxiproxy.before([
      { port: await freePort(), to: `${FTP_ADDRESS}:${String(ftp.port)}` },
      ...dataPorts.map((port) => ({ port, to: `${FTP_ADDRESS}:${String(port)}` })),
    ]),
  };
  const door = (name: Faulty): string => `127.0.0.1:${String(proxies[name].ports[0])}`;
  const lab = createStorageLab(
    { ftp, nginx, s3 },
    { ftp: door('ftp'), http: door('http'), s3: door('s3') },
  );
  const open = `http://${door('direct')}/open/`;
  const shelves = { ...lab.shelves, direct: shelf(nginx, open, open) };
  const client = clientOf(s3);
  /** A file that is just laid there has no ETag, and without one no read of it goes on. */
  const put: Shelf['put'] = async (names, bytes) => {
    await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: join(...names), Body: bytes }));
  };
  const faulty = (name: Faulty): FaultyShelf => ({ ...shelves[name], proxy: proxies[name] });
  return {
    config: lab.config,
    secrets: lab.secrets,
    shelves: {
      direct: faulty('direct'),
      http: faulty('http'),
      ftp: faulty('ftp'),
      s3: { ...faulty('s3'), put },
    },
    async openUploads() {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
      return Uploads?.length ?? 0;
    },
    async stop() {
      client.destroy();
      await lab.stop();
      await toxiproxy.stop();
    },
  };
};
