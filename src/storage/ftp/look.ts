/** What lies at a path of an FTP server: by MLST where it is known, else by SIZE, MDTM and the attempt to go there. */
import { FTPError } from 'basic-ftp';
import type { Stored } from '../../tasks/ports/object-storage.ts';
import { missing } from '../connect/failures.ts';
import { unless } from '../connect/unless.ts';
import { ftpFailure } from './failures.ts';
import type { FtpConnection } from './connection.ts';

const UNKNOWN_COMMAND: ReadonlySet<number> = new Set([500, 501, 502, 504]);

/** The answer's text; undefined = the server does not do that. */
const ask = async ({ client }: FtpConnection, command: string): Promise<string | undefined> => {
  try {
    return (await client.send(command)).message;
  } catch (error) {
    if (error instanceof FTPError && (UNKNOWN_COMMAND.has(error.code) || error.code === 550)) {
      return undefined;
    }
    throw error;
  }
};

const versionOf = (size: string | undefined, modified: string | undefined): string | undefined =>
  size === undefined || modified === undefined ? undefined : `${size}-${modified}`;

const fileOf = (size: string | undefined, modified: string | undefined): Stored => ({
  kind: 'file',
  ...unless('size', size === undefined ? undefined : Number(size)),
  ...unless('version', versionOf(size, modified)),
});

const byMlst = async (connection: FtpConnection, path: string): Promise<Stored | undefined> => {
  const answer = await ask(connection, `MLST ${path}`);
  const facts = answer?.split(/\r?\n/).find((line) => /^\s?[\w.]+=[^ ]*;/.test(line)) ?? '';
  const fact = (name: string): string | undefined =>
    new RegExp(`(?:^|[ ;])${name}=([^; ]+)`, 'i').exec(facts)?.[1];
  const type = fact('type')?.toLowerCase();
  if (type === 'dir' || type === 'cdir' || type === 'pdir') return { kind: 'folder' };
  const size = fact('size');
  return type === 'file'
    ? fileOf(size !== undefined && /^\d{1,16}$/.test(size) ? size : undefined, fact('modify'))
    : undefined;
};

const isFolder = async (connection: FtpConnection, path: string): Promise<boolean> =>
  (await ask(connection, `CWD ${path}`)) !== undefined;

const bySize = async (connection: FtpConnection, path: string): Promise<Stored | undefined> => {
  const size = /^213 (\d{1,16})/.exec((await ask(connection, `SIZE ${path}`)) ?? '')?.[1];
  if (size === undefined) return undefined;
  return fileOf(size, /^213 (\d{14})/.exec((await ask(connection, `MDTM ${path}`)) ?? '')?.[1]);
};

/** A server without MLST and SIZE shows a file only in the list of its folder. */
const byList = async (
  { client, pathOf }: FtpConnection,
  names: readonly string[],
): Promise<Stored | undefined> => {
  await client.send(`CWD ${pathOf(names.slice(0, -1))}`);
  const found = (await client.list()).find(({ name }) => name === names.at(-1));
  return found === undefined ? undefined : fileOf(String(found.size), undefined);
};

/** @throws MagnetarError */
export const look = async (
  connection: FtpConnection,
  url: string,
  names: readonly string[],
): Promise<Stored> => {
  const path = connection.pathOf(names);
  try {
    const isExact = connection.features.has('MLST');
    const found = isExact ? await byMlst(connection, path) : await bySize(connection, path);
    if (found !== undefined) return found;
    if (await isFolder(connection, path)) return { kind: 'folder' };
    const listed = isExact ? undefined : await byList(connection, names);
    if (listed !== undefined) return listed;
  } catch (error) {
    throw ftpFailure(url, error);
  }
  throw missing(url);
};
