/** ObjectStorage over FTP and FTPS: one connection for each call, so many at once for each host. */
import type { Readable } from 'node:stream';
import { MagnetarError } from '../../kernel/errors.ts';
import { createGate, type Gate } from '../../kernel/gate.ts';
import { linkAbort } from '../../kernel/link-abort.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type {
  ObjectStorage,
  ReadAnswer,
  ReadOptions,
  StoredEntry,
  WriteOptions,
} from '../../tasks/ports/object-storage.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { incomingBody, outgoingBody } from '../connect/bodies.ts';
import { abortReason, failed } from '../connect/failures.ts';
import { unless } from '../connect/unless.ts';
import { openConnection, type FtpConnection } from './connection.ts';
import { download } from './download.ts';
import { ftpFailure } from './failures.ts';
import { look } from './look.ts';
import { placeOf, urlBelow, type FtpHost, type Place } from './places.ts';
import { makeFolders, temporaryName, upload } from './upload.ts';

export interface FtpStorageOptions {
  readonly guard: AddressGuard;
  readonly hosts: readonly FtpHost[];
  /** Longest time without an answer or a byte. */
  readonly stallMs: number;
  /** Connections to one host at once. */
  readonly connections: number;
  /** Certificates of authorities to trust instead of the public ones, in PEM. */
  readonly ca?: string;
}

const MOST_DEPTH = 64;
/** Removing what was written must not hold up whoever called it off. */
const CLEAN_UP_MS = 5000;

const isUsable = (name: string): boolean =>
  name !== '' && name !== '.' && name !== '..' && !/[/\p{Cc}]/u.test(name);

/** Entries of one folder. */
const listOnce = async (
  { client, pathOf }: FtpConnection,
  { url, path }: Place,
): Promise<readonly StoredEntry[]> => {
  try {
    await client.send(`CWD ${pathOf(path)}`);
    const found = (await client.list()).filter(({ name }) => name !== '.' && name !== '..');
    return found.map(({ name, isDirectory, size }) => {
      if (!isUsable(name)) throw failed(url, 'its list shows a name that is not usable');
      const slash = isDirectory ? '/' : '';
      const entry = { path: [name], url: urlBelow(url, [name]) + slash };
      return isDirectory ? { ...entry, kind: 'folder' } : { ...entry, kind: 'file', size };
    });
  } catch (error) {
    throw error instanceof MagnetarError ? error : ftpFailure(url, error);
  }
};

interface Connections {
  /** Runs `work` on a connection of its own; it is closed when `work` ends, or when `release` is called if `work` keeps it. */
  use<Result>(
    place: Place,
    signal: AbortSignal,
    work: (connection: FtpConnection, keep: () => () => void) => Promise<Result>,
  ): Promise<Result>;
  close(): void;
}

const createConnections = (options: FtpStorageOptions): Connections => {
  const gates = new Map<string, Gate>();
  const closed = new AbortController();
  const gateOf = ({ host, port }: Place): Gate => {
    const key = `${host}:${String(port)}`;
    const gate = gates.get(key) ?? createGate(options.connections);
    gates.set(key, gate);
    return gate;
  };

  return {
    use: (place, callSignal, work) =>
      new Promise((resolve, reject) => {
        const { signal, unlink } = linkAbort(callSignal, closed.signal);
        const run = async (): Promise<void> => {
          let kept: Promise<void> | undefined;
          const connection = await openConnection(options, place, signal);
          const keep = (): (() => void) => {
            let release = (): void => undefined;
            kept = new Promise((done) => {
              release = done;
            });
            return release;
          };
          try {
            resolve(await work(connection, keep));
            await kept;
          } finally {
            connection.close();
          }
        };
        gateOf(place)
          .run(run, signal)
          .catch((error: unknown) =>
            reject(signal.aborted ? abortReason(signal) : (error as Error)),
          )
          .finally(unlink);
      }),
    close() {
      closed.abort(new MagnetarError('ABORTED', 'the storage is closed'));
    },
  };
};

interface Server {
  readonly connections: Connections;
  readonly stallMs: number;
}

const read = (
  { connections, stallMs }: Server,
  place: Place,
  { start = 0, version, signal }: ReadOptions,
): Promise<ReadAnswer> =>
  connections.use(place, signal, async (connection, keep) => {
    const { url } = place;
    const stored = await look(connection, url, place.path);
    if (stored.kind === 'folder') throw failed(url, 'is a folder');
    const { size = Infinity } = stored;
    const isSame = version === undefined || version === stored.version;
    const from = isSame && start <= size && connection.features.has('REST') ? start : 0;
    const release = keep();
    const source = await download(connection, url, {
      path: connection.pathOf(place.path),
      start: from,
      onClose: release,
    });
    const rest = stored.size === undefined ? undefined : stored.size - from;
    const body = incomingBody(source, { url, stallMs, signal, ...unless('size', rest) });
    return {
      body,
      start: from,
      ...unless('size', stored.size),
      ...unless('version', stored.version),
    };
  });

const write = async (
  { connections, stallMs }: Server,
  place: Place,
  body: Readable,
  { size, signal }: WriteOptions,
): Promise<number> => {
  const { url } = place;
  const folder = place.path.slice(0, -1);
  if (place.path.length === 0 || url.endsWith('/')) throw failed(url, 'names no file');
  const bound = outgoingBody(body, { url, stallMs, signal, ...unless('size', size) });
  const temporary = temporaryName();
  const written = { began: false };
  try {
    await connections.use(place, signal, async (connection) => {
      await makeFolders(connection, url, folder);
      written.began = true;
      await upload(connection, url, {
        body: bound.body,
        temporary: connection.pathOf([...folder, temporary]),
        path: connection.pathOf(place.path),
      });
    });
    return bound.count();
  } catch (error) {
    if (written.began) {
      // on another connection: what this one would answer next nobody knows
      await connections
        .use(place, AbortSignal.timeout(CLEAN_UP_MS), ({ client, pathOf }) =>
          client.sendIgnoringError(`DELE ${pathOf([...folder, temporary])}`),
        )
        .catch(() => undefined);
    }
    throw error;
  } finally {
    bound.body.destroy();
  }
};

async function* list(
  connections: Connections,
  place: Place,
  call: CallOptions,
  above: readonly string[],
): AsyncGenerator<StoredEntry> {
  if (above.length > MOST_DEPTH) {
    throw failed(place.url, `lies more than ${String(MOST_DEPTH)} folders deep`);
  }
  const entries = await connections.use(place, call.signal, (connection) =>
    listOnce(connection, place),
  );
  for (const entry of entries) {
    const path = [...above, ...entry.path];
    yield { ...entry, path };
    if (entry.kind === 'folder') {
      yield* list(
        connections,
        { ...place, url: entry.url, path: [...place.path, ...entry.path] },
        call,
        path,
      );
    }
  }
}

export const createFtpStorage = (options: FtpStorageOptions): ObjectStorage => {
  const connections = createConnections(options);
  const { hosts, stallMs } = options;
  return {
    async stat(url, { signal }) {
      const place = placeOf(url, hosts);
      return connections.use(place, signal, (connection) => look(connection, url, place.path));
    },
    read: async (url, call) => read({ connections, stallMs }, placeOf(url, hosts), call),
    async *list(url, call) {
      yield* list(connections, placeOf(url, hosts), call, []);
    },
    write: async (url, body, call) =>
      write({ connections, stallMs }, placeOf(url, hosts), body, call),
    async makeFolder(url, { signal }) {
      const place = placeOf(url, hosts);
      await connections.use(place, signal, (connection) =>
        makeFolders(connection, url, place.path),
      );
    },
    close() {
      connections.close();
      return Promise.resolve();
    },
  };
};
