/** Folders over HTTP, by index pages: one page in memory at a time, bounded in size and depth. */
import type { Readable } from 'node:stream';
import { optional } from '../../kernel/optional.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { StoredEntry } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { failed, refused } from '../connect/failures.ts';
import { unaskedCoding } from './answers.ts';
import type { HttpAnswer } from './exchange.ts';
import { isFolderUrl, urlOf, type Target } from './hosts.ts';
import { readIndex, UnusableIndex, type IndexEntry } from './index-page.ts';
import type { Reader } from './read.ts';
import { succeeded } from './status.ts';

/** Some 50,000 names. */
const PAGE_BYTES = 8 * 1024 * 1024;
const MOST_DEPTH = 64;
const MOST_ENTRIES = 1_000_000;

const pageType = (answer: HttpAnswer): 'html' | 'json' | undefined => {
  const type = answer.header('content-type') ?? '';
  if (/^(text\/html|application\/xhtml\+xml)\b/i.test(type)) return 'html';
  return /^application\/json\b/i.test(type) ? 'json' : undefined;
};

const readPage = async (body: Readable, url: string): Promise<string> => {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Uint8Array>) {
    bytes += piece.length;
    if (bytes > PAGE_BYTES) {
      throw failed(url, `its index page has more than ${String(PAGE_BYTES)} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
};

const indexOf = (page: string, type: 'html' | 'json', base: URL): readonly IndexEntry[] => {
  try {
    return readIndex(page, type, base);
  } catch (error) {
    const why = error instanceof UnusableIndex ? error.message : 'its index page is no JSON';
    throw failed(base.href, why);
  }
};

const folderPage = async (
  { exchange, stallMs }: Reader,
  target: Target,
  { signal }: CallOptions,
): Promise<readonly IndexEntry[]> => {
  const url = target.url.href;
  const answer = succeeded(url, await exchange.ask(target, { method: 'GET', signal }));
  const type = pageType(answer);
  if (type === undefined || !isFolderUrl(answer.url) || unaskedCoding(answer) !== undefined) {
    answer.body.destroy();
    throw failed(url, 'shows no index page, so what is in the folder cannot be told');
  }
  const body = incomingBody(answer.body, { url, stallMs, signal });
  return indexOf(await readPage(body, url), type, answer.url);
};

/**
 * Something that the page of `folder` shows. What the page of another host shows, after a redirect, is read without credentials;
 * where that host has some of its own they must not be used either: whoever may redirect would read with them.
 */
const childOf = (reader: Reader, folder: Target, text: string): Target => {
  const url = new URL(text);
  url.search = folder.url.search;
  if (url.host === folder.url.host) return { ...folder, url };
  url.search = '';
  if (reader.targetOf(url.href).authorization !== undefined) {
    throw refused(folder.url.href, `leads to ${url.host}, for which there are credentials`);
  }
  return { url, upload: folder.upload, userInfo: '' };
};

interface Walk {
  readonly reader: Reader;
  readonly call: CallOptions;
  /** Entries shown so far. */
  count: number;
}

async function* walkFolder(
  walk: Walk,
  target: Target,
  above: readonly string[],
): AsyncGenerator<StoredEntry> {
  const shown = target.url.href;
  if (above.length > MOST_DEPTH) {
    throw failed(shown, `lies more than ${String(MOST_DEPTH)} folders deep`);
  }
  for (const { kind, name, url, size } of await folderPage(walk.reader, target, walk.call)) {
    walk.count += 1;
    if (walk.count > MOST_ENTRIES) {
      throw failed(shown, `there are more than ${String(MOST_ENTRIES)} files and folders`);
    }
    const path = [...above, name];
    const child = childOf(walk.reader, target, url);
    yield { kind, path, url: urlOf(child), ...optional('size', size) };
    if (kind === 'folder') yield* walkFolder(walk, child, path);
  }
}

export const listFolder = (
  reader: Reader,
  target: Target,
  call: CallOptions,
): AsyncGenerator<StoredEntry> => walkFolder({ reader, call, count: 0 }, target, []);
