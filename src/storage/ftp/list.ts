/** Everything below a folder of an FTP server, one folder after another, within bounds. */
import { optional } from '../../kernel/optional.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { StoredEntry } from '../../tasks/ports/object-storage.ts';
import { failed } from '../connect/failures.ts';
import type { FtpConnection } from './connection.ts';
import { folderOf } from './folder.ts';
import type { Listed } from './listing.ts';
import { lookFor } from './look.ts';
import { urlBelow, type Place } from './places.ts';
import type { Pool } from './pool.ts';

const MOST_DEPTH = 64;
/** A link to a folder above makes a tree that never ends. */
const MOST_ENTRIES = 1_000_000;

const below = (place: Place, name: string): Place => ({
  ...place,
  url: urlBelow(place.url, [name]),
  path: [...place.path, name],
});

const entryOf = async (
  connection: FtpConnection,
  folder: Place,
  { name, kind, size }: Listed,
): Promise<StoredEntry | undefined> => {
  const place = below(folder, name);
  const stored =
    kind === 'unclear'
      ? await lookFor(connection, place.url, place.path)
      : { kind, ...optional('size', size) };
  if (stored === undefined) return undefined; // a link that leads nowhere
  if (stored.kind === 'folder') return { kind: 'folder', path: [name], url: `${place.url}/` };
  return { kind: 'file', path: [name], url: place.url, ...optional('size', stored.size) };
};

const listOnce = async (
  connection: FtpConnection,
  place: Place,
): Promise<readonly StoredEntry[]> => {
  const entries: StoredEntry[] = [];
  for (const listed of await folderOf(connection, place.url, place.path)) {
    const entry = await entryOf(connection, place, listed);
    if (entry !== undefined) entries.push(entry);
  }
  return entries;
};

async function* walk(
  pool: Pool,
  place: Place,
  { signal }: CallOptions,
  above: readonly string[],
): AsyncGenerator<StoredEntry> {
  if (above.length > MOST_DEPTH) {
    throw failed(place.url, `lies more than ${String(MOST_DEPTH)} folders deep`);
  }
  const entries = await pool.use(place, signal, (connection) => listOnce(connection, place));
  for (const entry of entries) {
    const path = [...above, ...entry.path];
    yield { ...entry, path };
    if (entry.kind === 'folder') {
      const inner = { ...place, url: entry.url, path: [...place.path, ...entry.path] };
      yield* walk(pool, inner, { signal }, path);
    }
  }
}

/** @throws MagnetarError */
export async function* list(
  pool: Pool,
  place: Place,
  call: CallOptions,
): AsyncGenerator<StoredEntry> {
  let count = 0;
  for await (const entry of walk(pool, place, call, [])) {
    count += 1;
    if (count > MOST_ENTRIES) {
      throw failed(place.url, `shows more than ${String(MOST_ENTRIES)} files and folders`);
    }
    yield entry;
  }
}
