/** pyftpdlib on loopback with a folder of its own, plain or with TLS. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { install } from '../../clients/support/client.ts';
import { makeCertificate } from './certificate.ts';
import { servedFolder, type ServedFolder } from './names.ts';

export const FTP_USER = 'svc';
export const FTP_PASSWORD = 'svc p@ss';

const SERVER = fileURLToPath(new URL('./ftp-server.py', import.meta.url));

export interface FtpServer extends ServedFolder {
  readonly port: number;
  /** Its own authority, in PEM; empty without TLS. */
  readonly ca: string;
  stop(): Promise<void>;
}

const makeBoth = async (folder: string, host: string): Promise<string> => {
  const { key, cert } = await makeCertificate(folder, `DNS:${host}`);
  await writeFile(join(folder, 'both.pem'), key + cert);
  return cert;
};

export interface FtpServerOptions {
  readonly tls: boolean;
  /** TLS from the first byte. */
  readonly implicit?: boolean;
  /** Whom the certificate is for. */
  readonly host?: string;
  /** Where it listens, for whoever puts a proxy on the same ports of another address. */
  readonly address?: string;
  /** All that it opens for data. */
  readonly dataPorts?: readonly number[];
}

export const startFtpServer = async ({
  tls,
  implicit = false,
  host = 'localhost',
  address = '127.0.0.1',
  dataPorts = [],
}: FtpServerOptions): Promise<FtpServer> => {
  const venv = await install('pyftpdlib');
  const folder = await mkdtemp(join(tmpdir(), 'ftp-'));
  await mkdir(join(folder, 'root'));
  const ca = tls ? await makeBoth(folder, host) : '';
  const args = [
    SERVER,
    join(folder, 'root'),
    ...(tls ? [join(folder, 'both.pem')] : []),
    ...(implicit ? ['implicit'] : []),
  ];
  const child = spawn(join(venv, 'bin', 'python'), args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, FTP_HOST: address, FTP_DATA_PORTS: dataPorts.join() },
  });
  const ended = once(child, 'exit');
  const [line] = (await Promise.race([once(child.stdout, 'data'), ended])) as [Buffer | number];
  const port = Number(String(line));
  if (child.exitCode !== null || !(port > 0)) throw new Error('the FTP server ended at its start');
  return {
    ...servedFolder(join(folder, 'root')),
    port,
    ca,
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
};
