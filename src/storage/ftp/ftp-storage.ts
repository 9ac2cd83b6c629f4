/** ObjectStorage over FTP and FTPS. */
import type { Readable } from 'node:stream';
import { optional } from '../../kernel/optional.ts';
import type {
  ObjectStorage,
  ReadAnswer,
  ReadOptions,
  WriteOptions,
} from '../../tasks/ports/object-storage.ts';
import { incomingBody, outgoingBody } from '../connect/bodies.ts';
import { failed } from '../connect/failures.ts';
import { temporaryName } from '../connect/temporary-name.ts';
import { canStartAt, download } from './download.ts';
import { list } from './list.ts';
import { look } from './look.ts';
import { placeOf, type FtpHost, type Place } from './places.ts';
import { createPool, type Pool, type PoolOptions } from './pool.ts';
import { makeFolders, upload } from './upload.ts';

/** `stallMs`: longest time without an answer or a byte. `ca`: authorities to trust instead of the public ones, in PEM. */
export interface FtpStorageOptions extends PoolOptions {
  readonly hosts: readonly FtpHost[];
}

/** Removing what was written must not hold up whoever called it off. */
const CLEAN_UP_MS = 5000;

interface Server {
  readonly pool: Pool;
  readonly stallMs: number;
}

const read = (
  { pool, stallMs }: Server,
  place: Place,
  { start = 0, version, signal }: ReadOptions,
): Promise<ReadAnswer> =>
  pool.use(place, signal, async (connection, keep) => {
    const { url } = place;
    const stored = await look(connection, url, place.path);
    if (stored.kind === 'folder') throw failed(url, 'is a folder');
    const { size = Infinity } = stored;
    const isSame = version === undefined || version === stored.version;
    const goesOn = start > 0 && isSame && start <= size && (await canStartAt(connection, start));
    const from = goesOn ? start : 0;
    const path = connection.pathOf(place.path);
    const source = await download(connection, url, { path, start: from, release: keep() });
    const rest = stored.size === undefined ? undefined : stored.size - from;
    const body = incomingBody(source, { url, stallMs, signal, ...optional('size', rest) });
    return {
      body,
      start: from,
      ...optional('size', stored.size),
      ...optional('version', stored.version),
    };
  });

const write = async (
  { pool, stallMs }: Server,
  place: Place,
  body: Readable,
  { size, signal }: WriteOptions,
): Promise<number> => {
  const { url, path } = place;
  const folder = path.slice(0, -1);
  if (path.length === 0 || url.endsWith('/')) throw failed(url, 'names no file');
  const bound = outgoingBody(body, { url, stallMs, signal, ...optional('size', size) });
  const temporary = [...folder, temporaryName()];
  const written = { began: false };
  try {
    await pool.use(place, signal, async (connection) => {
      await makeFolders(connection, url, folder);
      written.began = true;
      await upload(connection, url, { ...bound, temporary, names: path });
    });
    return bound.count();
  } catch (error) {
    if (written.began) {
      // on another connection: what this one would answer next nobody knows
      await pool
        .use(place, AbortSignal.timeout(CLEAN_UP_MS), ({ client, pathOf }) =>
          client.sendIgnoringError(`DELE ${pathOf(temporary)}`),
        )
        .catch(() => undefined);
    }
    throw error;
  } finally {
    bound.body.destroy();
  }
};

export const createFtpStorage = ({ hosts, ...options }: FtpStorageOptions): ObjectStorage => {
  const pool = createPool(options);
  const { stallMs } = options;
  return {
    async stat(url, { signal }) {
      const place = placeOf(url, hosts);
      return pool.use(place, signal, (connection) => look(connection, url, place.path));
    },
    read: async (url, call) => read({ pool, stallMs }, placeOf(url, hosts), call),
    async *list(url, call) {
      yield* list(pool, placeOf(url, hosts), call);
    },
    write: async (url, body, call) => write({ pool, stallMs }, placeOf(url, hosts), body, call),
    async makeFolder(url, { signal }) {
      const place = placeOf(url, hosts);
      await pool.use(place, signal, (connection) => makeFolders(connection, url, place.path));
    },
    close() {
      pool.close();
      return Promise.resolve();
    },
  };
};
