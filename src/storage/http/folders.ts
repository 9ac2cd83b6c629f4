/** Folders over HTTP, by index pages: one page in memory at a time, bounded in size and depth. */
import type { Readable } from 'node:stream';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { StoredEntry } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { failed } from '../connect/failures.ts';
import {} from './answers.ts';
import { unless } from '../connect/unless.ts';
import { succeeded, type HttpAnswer } from './exchange.ts';
import { isFolderUrl, urlOf, type Target } from './hosts.ts';
import { readIndex, UnusableIndex, type IndexEntry } from './index-page.ts';
import type { Reader } from './read.ts';

/** Some 50,000 names. */
const PAGE_BYTES = 8 * 1024 * 1024;
const MOST_DEPTH = 64;

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
  if (type === undefined || !isFolderUrl(answer.url)) {
    answer.body.destroy();
    throw failed(url, 'shows no index page, so what is in the folder cannot be told');
  }
  const body = incomingBody(answer.body, { url, stallMs, signal });
  return indexOf(await readPage(body, url), type, answer.url);
};

/** What the page of one host shows elsewhere is read without the credentials of the first. */
const childOf = (target: Target, text: string): Target => {
  const url = new URL(text);
  const { upload } = target;
  return url.host === target.url.host ? { ...target, url } : { url, upload, userInfo: '' };
};

export async function* listFolder(
  reader: Reader,
  target: Target,
  call: CallOptions,
  above: readonly string[] = [],
): AsyncGenerator<StoredEntry> {
  if (above.length > MOST_DEPTH) {
    throw failed(target.url.href, `lies more than ${String(MOST_DEPTH)} folders deep`);
  }
  for (const { kind, name, url, size } of await folderPage(reader, target, call)) {
    const path = [...above, name];
    const child = childOf(target, url);
    yield { kind, path, url: urlOf(child), ...unless('size', size) };
    if (kind === 'folder') yield* listFolder(reader, child, call, path);
  }
}
