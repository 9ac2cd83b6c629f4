/** A tree, one folder after the other: names in order, links followed as far as they stay below a root that may be read. */
import type { BigIntStats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { isMagnetarError } from '../../kernel/errors.ts';
import type { StoredEntry } from '../../tasks/ports/object-storage.ts';
import { urlBelow } from '../../tasks/urls.ts';
import { failed } from '../connect/failures.ts';
import type { Disk } from './disk.ts';
import { codeOf, SPECIAL } from './failures.ts';
import { shownBytes, textOf } from './names.ts';
import { isSame, Place } from './place.ts';
import type { Steps } from './steps.ts';
import { reach } from './walk.ts';

const MOST_DEPTH = 64;
/** Of one folder: they are sorted, hence held, some 100 bytes each. */
const MOST_NAMES = 250_000;

export interface Listing {
  readonly steps: Steps;
  readonly disk: Disk;
  /** For messages. */
  readonly url: string;
  /** Path of the folder, as it was found. */
  readonly path: string;
  readonly roots: readonly string[];
  readonly signal: AbortSignal;
}

/** latin1 keeps each byte of a name. */
const namesIn = (
  { steps, url, path }: Listing,
  folder: Place,
  below: readonly string[],
): Promise<readonly string[]> =>
  steps.within(folder, async (pathOf) => {
    const names: string[] = [];
    const options = { encoding: 'latin1', bufferSize: 1024 } as const;
    for await (const entry of await opendir(pathOf(''), options)) {
      const bytes = Buffer.from(entry.name, 'latin1');
      const name = textOf(bytes);
      const where = urlBelow(path, below);
      if (name === undefined) {
        throw failed(url, `the name ${shownBytes(bytes)} in ${where} is not UTF-8`);
      }
      if (names.length === MOST_NAMES) {
        throw failed(url, `there are more than ${String(MOST_NAMES)} names in ${where}`);
      }
      names.push(name);
    }
    return names.sort();
  });

type Found = Place | { readonly file: BigIntStats };

/** What the runner leaves out as well when it copies a folder: what leads elsewhere, nowhere or in circles, and what is neither file nor folder. */
const isLeftOut = (error: unknown): boolean =>
  isMagnetarError(error, 'STORAGE_REFUSED') ||
  ['ENOENT', 'ENOTDIR', 'ELOOP', SPECIAL].includes(codeOf(error) ?? '');

/** Only folders stay open. Whatever has the name by the time of a step is judged as what it is then. */
const look = async (
  { steps, url, roots }: Listing,
  folder: Place,
  name: string,
): Promise<Found | undefined> => {
  try {
    const info = await steps.within(folder, (pathOf) => lstat(pathOf(name), { bigint: true }));
    if (info.isFile()) return { file: info };
    const step = await steps.step(folder, name);
    const place =
      step instanceof Place
        ? step
        : await reach(steps, { url, roots, names: [...folder.names, name] });
    if (place.info.isDirectory()) return place;
    place.leave();
    return { file: place.info };
  } catch (error) {
    if (isLeftOut(error)) return undefined;
    throw error;
  }
};

const letGo = (found: Found | undefined): void => {
  if (found instanceof Place) found.leave();
};

/** A link to a folder that it lies in itself. */
const isCircle = (found: Place, above: readonly Place[]): boolean =>
  above.some(({ info }) => isSame(info, found.info));

/** What is below `folder`, which it leaves at the end; `above` are those it lies in. */
export async function* listBelow(
  listing: Listing,
  above: readonly Place[],
  folder: Place,
  below: readonly string[] = [],
): AsyncGenerator<StoredEntry> {
  const { disk, url, path: top, signal } = listing;
  try {
    if (below.length > 0) yield { kind: 'folder', path: below, url: urlBelow(top, below) };
    if (below.length > MOST_DEPTH) {
      throw failed(url, `lies more than ${String(MOST_DEPTH)} folders deep`);
    }
    const names = await disk.run(() => namesIn(listing, folder, below), { url, signal });
    for (const name of names) {
      const work = () => look(listing, folder, name);
      const found = await disk.run(work, { url, signal, late: letGo });
      const path = [...below, name];
      if (found instanceof Place) {
        if (isCircle(found, [...above, folder])) found.leave();
        else yield* listBelow(listing, [...above, folder], found, path);
      } else if (found !== undefined) {
        yield { kind: 'file', path, url: urlBelow(top, path), size: Number(found.file.size) };
      }
    }
  } finally {
    folder.leave();
  }
}
