/** Reading over HTTP: whole, or from an offset while the version is the one that the bytes before it belong to. */
import { Readable } from 'node:stream';
import type { ReadAnswer, ReadOptions } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { failed } from '../connect/failures.ts';
import { numberOf, rangeOf, versionOf } from './answers.ts';
import { unless } from '../connect/unless.ts';
import { succeeded, type Exchange, type HttpAnswer } from './exchange.ts';
import type { Target } from './hosts.ts';

export interface Reader {
  readonly exchange: Exchange;
  readonly stallMs: number;
}

/** What is to be read, and how. */
interface Reading {
  readonly url: string;
  readonly target: Target;
  readonly options: ReadOptions;
}

const bodyOf = (
  { stallMs }: Reader,
  { url, options: { signal } }: Reading,
  answer: HttpAnswer,
  size: number | undefined,
): Readable => incomingBody(answer.body, { url, stallMs, signal, ...unless('size', size) });

const wholeOf = (reader: Reader, reading: Reading, answer: HttpAnswer): ReadAnswer => {
  if (answer.status === 206) {
    answer.body.destroy();
    throw failed(reading.url, 'answers a part that was not asked for');
  }
  const size = numberOf(answer.header('content-length'));
  return {
    body: bodyOf(reader, reading, answer, size),
    start: 0,
    ...unless('size', size),
    ...unless('version', versionOf(answer)),
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
  const headers = { range: `bytes=${String(start)}-`, ...unless('if-range', version) };
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
    body: isEnd ? Readable.from([]) : bodyOf(reader, reading, answer, rest),
    start,
    ...unless('size', total),
    ...unless('version', now),
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
