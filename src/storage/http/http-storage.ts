/** ObjectStorage over HTTP(S): plain GET, HEAD, PUT or form POST, and folders by the index pages of the usual servers. */
import { optional } from '../../kernel/optional.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { ObjectStorage, Stored } from '../../tasks/ports/object-storage.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { numberOf, rangeOf, versionOf } from './answers.ts';
import { createExchange, type HttpAnswer } from './exchange.ts';
import { listFolder } from './folders.ts';
import { isFolderUrl, targetOf, type HttpHost, type Target } from './hosts.ts';
import { readFile, type Reader } from './read.ts';
import { succeeded } from './status.ts';
import { writeFile } from './write.ts';

export interface HttpStorageOptions {
  readonly guard: AddressGuard;
  readonly hosts: readonly HttpHost[];
  /** Longest time to the head of an answer. */
  readonly answerMs: number;
  /** Longest time without a byte. */
  readonly stallMs: number;
  /** Certificates of authorities to trust instead of the public ones, in PEM. */
  readonly ca?: string;
}

/** Where HEAD is not taken; 403 is what presigned URLs of S3 say, which are made for GET. */
const NO_HEAD: ReadonlySet<number> = new Set([400, 403, 405, 501]);

const asFolder = (target: Target): Target => {
  const url = new URL(target.url);
  if (!isFolderUrl(url)) url.pathname += '/';
  return { ...target, url };
};

const sizeOf = (answer: HttpAnswer): number | undefined =>
  answer.status === 206 || answer.status === 416
    ? rangeOf(answer).total
    : numberOf(answer.header('content-length'));

/** A server that redirects to the same path with a slash shows a folder. */
const storedOf = (target: Target, answer: HttpAnswer): Stored => {
  const { url } = target;
  if (isFolderUrl(url) || answer.url.pathname === `${url.pathname}/`) return { kind: 'folder' };
  return {
    kind: 'file',
    ...optional('size', sizeOf(answer)),
    ...optional('version', versionOf(answer)),
  };
};

const stat = async (
  { exchange }: Reader,
  url: string,
  target: Target,
  { signal }: CallOptions,
): Promise<Stored> => {
  const head = await exchange.ask(target, { method: 'HEAD', signal });
  head.body.resume();
  if (!NO_HEAD.has(head.status)) return storedOf(target, succeeded(url, head));
  const range = { range: 'bytes=0-0' };
  const answer = await exchange.ask(target, { method: 'GET', headers: range, signal });
  answer.body.destroy();
  const isEmpty = answer.status === 416 && rangeOf(answer).total === 0;
  return storedOf(target, isEmpty ? answer : succeeded(url, answer));
};

export const createHttpStorage = (options: HttpStorageOptions): ObjectStorage => {
  const exchange = createExchange(options);
  const target = (url: string): Target => targetOf(url, options.hosts);
  const reader: Reader = { exchange, stallMs: options.stallMs, targetOf: target };
  return {
    stat: async (url, call) => stat(reader, url, target(url), call),
    read: async (url, call) => readFile(reader, url, target(url), call),
    async *list(url, call) {
      yield* listFolder(reader, asFolder(target(url)), call);
    },
    write: async (url, body, call) => writeFile(reader, url, body, call),
    /** HTTP has no folders of its own. */
    makeFolder: () => Promise.resolve(),
    close() {
      exchange.close();
      return Promise.resolve();
    },
  };
};
