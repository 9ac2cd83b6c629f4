/** Reading over HTTP: whole, or from an offset while the version is the one that the bytes before it belong to. */
import { Readable } from 'node:stream';
import { optional } from '../../kernel/optional.ts';
import type { ReadAnswer, ReadOptions } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { offeredDigest, type Digest } from '../connect/digests.ts';
import { failed } from '../connect/failures.ts';
import { numberOf, rangeOf, unaskedCoding, versionOf } from './answers.ts';
import type { Exchange, HttpAnswer } from './exchange.ts';
import type { Target } from './hosts.ts';
import { succeeded } from './status.ts';

export interface Reader {
  readonly exchange: Exchange;
  readonly stallMs: number;
  readonly targetOf: (url: string) => Target;
}

/** What is to be read, and how. */
interface Reading {
  readonly url: string;
  readonly target: Target;
  readonly options: ReadOptions;
}

const fail = (url: string, { body }: HttpAnswer, why: string): never => {
  body.destroy();
  throw failed(url, why);
};

const bodyOf = (
  { stallMs }: Reader,
  { url, options: { signal } }: Reading,
  answer: HttpAnswer,
  known: { readonly size?: number; readonly digest?: Digest },
): Readable => {
  const coding = unaskedCoding(answer);
  if (coding !== undefined) fail(url, answer, `sends ${coding}, but was asked for plain bytes`);
  return incomingBody(answer.body, { url, stallMs, signal, ...known });
};

const wholeOf = (reader: Reader, reading: Reading, answer: HttpAnswer): ReadAnswer => {
  const { status, header } = answer;
  if (status === 206) fail(reading.url, answer, 'answers a part that was not asked for');
  if (status !== 200) fail(reading.url, answer, `answers HTTP ${String(status)} without the file`);
  const size = optional('size', numberOf(header('content-length')));
  const digest = optional('digest', offeredDigest(header));
  return {
    body: bodyOf(reader, reading, answer, { ...size, ...digest }),
    start: 0,
    ...size,
    ...optional('version', versionOf(answer)),
  };
};

const ask = (
  { exchange }: Reader,
  { target, options: { signal } }: Reading,
  headers: Readonly<Record<string, string>>,
): Promise<HttpAnswer> => exchange.ask(target, { method: 'GET', headers, signal });

const readWhole = async (reader: Reader, reading: Reading): Promise<ReadAnswer> =>
  wholeOf(reader, reading, succeeded(reading.url, await ask(reader, reading, {})));

const readFrom = async (reader: Reader, reading: Reading, start: number): Promise<ReadAnswer> => {
  const { version } = reading.options;
  const headers = { range: `bytes=${String(start)}-`, ...optional('if-range', version) };
  const answer = await ask(reader, reading, headers);
  if (answer.status === 200) return wholeOf(reader, reading, answer);
  const { start: from, total } = rangeOf(answer);
  const isEnd = answer.status === 416 && total === start;
  if (answer.status !== 416) succeeded(reading.url, answer);
  const now = versionOf(answer);
  const isSame = version === undefined || now === undefined || now === version;
  if (!isSame || (!isEnd && from !== start)) {
    answer.body.destroy();
    return readWhole(reader, reading);
  }
  if (isEnd) answer.body.destroy();
  const rest = total === undefined ? undefined : total - start;
  return {
    body: isEnd ? Readable.from([]) : bodyOf(reader, reading, answer, optional('size', rest)),
    start,
    ...optional('size', total),
    ...optional('version', now),
  };
};

export const readFile = (
  reader: Reader,
  url: string,
  target: Target,
  options: ReadOptions,
): Promise<ReadAnswer> => {
  const reading = { url, target, options };
  return options.start === undefined || options.start === 0
    ? readWhole(reader, reading)
    : readFrom(reader, reading, options.start);
};
