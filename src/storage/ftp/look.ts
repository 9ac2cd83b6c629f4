/** What lies at a path of an FTP server: by MLST where it is known, else by SIZE, MDTM and the attempt to go there. */
import { FTPError } from 'basic-ftp';
import { isMagnetarError } from '../../kernel/errors.ts';
import { optional } from '../../kernel/optional.ts';
import type { Stored } from '../../tasks/ports/object-storage.ts';
import { missing } from '../connect/failures.ts';
import type { FtpConnection } from './connection.ts';
import { ftpFailure } from './failures.ts';
import { folderOf } from './folder.ts';

/** The server does not do that, or not there. */
const NO: ReadonlySet<number> = new Set([500, 501, 502, 504, 550]);
const NOT_THERE = 550;

interface Asking {
  readonly connection: FtpConnection;
  readonly path: string;
  /** What the server said of the path instead of an answer. */
  readonly refusals: FTPError[];
}

/** The answer's text; undefined = there is none. */
const ask = async (asking: Asking, command: string): Promise<string | undefined> => {
  try {
    return (await asking.connection.client.send(`${command} ${asking.path}`)).message;
  } catch (error) {
    if (!(error instanceof FTPError && NO.has(error.code))) throw error;
    if (error.code === NOT_THERE) asking.refusals.push(error);
    return undefined;
  }
};

const versionOf = (size: string | undefined, modified: string | undefined): string | undefined =>
  size === undefined || modified === undefined ? undefined : `${size}-${modified}`;

const fileOf = (size: string | undefined, modified: string | undefined): Stored => ({
  kind: 'file',
  ...optional('size', size === undefined ? undefined : Number(size)),
  ...optional('version', versionOf(size, modified)),
});

const byMlst = async (asking: Asking): Promise<Stored | undefined> => {
  if (!asking.connection.features.has('MLST')) return undefined;
  const answer = await ask(asking, 'MLST');
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

const sizeOf = async (asking: Asking): Promise<string | undefined> =>
  /^213 (\d{1,16})/.exec((await ask(asking, 'SIZE')) ?? '')?.[1];

const bySize = async (asking: Asking): Promise<Stored | undefined> => {
  const size = await sizeOf(asking);
  if (size === undefined) return undefined;
  return fileOf(size, /^213 (\d{14})/.exec((await ask(asking, 'MDTM')) ?? '')?.[1]);
};

const byGoing = async (asking: Asking): Promise<Stored | undefined> =>
  (await ask(asking, 'CWD')) === undefined ? undefined : { kind: 'folder' };

/** A server without MLST and SIZE shows a file only in the list of its folder. */
const byList = async (
  { connection }: Asking,
  url: string,
  names: readonly string[],
): Promise<Stored | undefined> => {
  const { features } = connection;
  if (features.has('MLST') || features.has('SIZE')) return undefined;
  const entries = await folderOf(connection, url, names.slice(0, -1));
  const found = entries.find(({ name }) => name === names.at(-1));
  if (found === undefined) return undefined;
  return { kind: 'file', ...(found.kind === 'file' ? optional('size', found.size) : {}) };
};

const askingOf = (connection: FtpConnection, names: readonly string[]): Asking => ({
  connection,
  path: connection.pathOf(names),
  refusals: [],
});

/** @throws MagnetarError */
export const look = async (
  connection: FtpConnection,
  url: string,
  names: readonly string[],
): Promise<Stored> => {
  const asking = askingOf(connection, names);
  try {
    const found =
      (await byMlst(asking)) ??
      (await bySize(asking)) ??
      (await byGoing(asking)) ??
      (await byList(asking, url, names));
    if (found !== undefined) return found;
  } catch (error) {
    throw isMagnetarError(error) ? error : ftpFailure(url, error);
  }
  const why = asking.refusals.map((refusal) => ftpFailure(url, refusal));
  throw why.find(({ code }) => code === 'STORAGE_DENIED') ?? missing(url);
};

/** As `look`, where it is no fault when nothing is there. */
export const lookFor = async (
  connection: FtpConnection,
  url: string,
  names: readonly string[],
): Promise<Stored | undefined> => {
  try {
    return await look(connection, url, names);
  } catch (error) {
    if (isMagnetarError(error) && error.code === 'STORAGE_MISSING') return undefined;
    throw error;
  }
};

/** Bytes of a file; undefined = the server does not say. */
export const sizeAt = async (
  connection: FtpConnection,
  names: readonly string[],
): Promise<number | undefined> => {
  const asking = askingOf(connection, names);
  const found = await byMlst(asking);
  if (found !== undefined) return found.kind === 'file' ? found.size : undefined;
  const size = await sizeOf(asking);
  return size === undefined ? undefined : Number(size);
};
