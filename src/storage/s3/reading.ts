/** Reads an object from a byte on, or from its beginning when it is another one by now. */
import { Readable } from 'node:stream';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import { linkAbort, type LinkedAbort } from '../../kernel/link-abort.ts';
import type { ReadAnswer, ReadOptions } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { failed, unavailable } from '../connect/failures.ts';
import type { Service } from './clients.ts';
import { checksumFailure, failureOf, hasStatus } from './failures.ts';

export interface Reading extends ReadOptions {
  readonly url: string;
  readonly service: Service;
  readonly bucket: string;
  readonly key: string;
  readonly stallMs: number;
}

const ANOTHER_VERSION = 412;
const BEYOND_ITS_END = 416;

interface Extent {
  readonly start: number;
  readonly size?: number;
}

/** What part of the object the answer is. */
const extentOf = ({ ContentRange, ContentLength }: GetObjectCommandOutput): Extent | undefined => {
  if (ContentRange === undefined) {
    return { start: 0, ...(ContentLength === undefined ? {} : { size: ContentLength }) };
  }
  const [, first, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange) ?? [];
  return first === undefined ? undefined : { start: Number(first), size: Number(total) };
};

/** Asks, and gives up when no answer comes in time. The link's signal ends the body too. */
const ask = async (
  { url, service, bucket, key, version, stallMs }: Reading,
  start: number,
  link: LinkedAbort,
): Promise<GetObjectCommandOutput> => {
  const condition = version === undefined ? {} : { IfMatch: version };
  const range = start === 0 ? {} : { ...condition, Range: `bytes=${String(start)}-` };
  const command = new service.sdk.GetObjectCommand({ Bucket: bucket, Key: key, ...range });
  const deadline = setTimeout(() => {
    link.abort(unavailable(url, 'no answer in time'));
  }, stallMs);
  try {
    return await service.reads.send(command, { abortSignal: link.signal });
  } finally {
    clearTimeout(deadline);
  }
};

const discard = ({ Body }: GetObjectCommandOutput): void => {
  if (Body instanceof Readable) Body.on('error', () => undefined).destroy();
};

/** @throws MagnetarError STORAGE_FAILED for a part that begins elsewhere */
const answerOf = (
  answer: GetObjectCommandOutput,
  { url, stallMs }: Reading,
  start: number,
  link: LinkedAbort,
): ReadAnswer => {
  const extent = extentOf(answer);
  const { Body, ContentLength: size, ETag } = answer;
  if (!(Body instanceof Readable) || (extent?.start !== start && extent?.start !== 0)) {
    discard(answer);
    throw failed(url, 'the answer is not the part that was asked for');
  }
  const bounds = { url, stallMs, signal: link.signal, ...(size === undefined ? {} : { size }) };
  const body = incomingBody(Body, { ...bounds, faultOf: checksumFailure });
  body.once('close', link.unlink);
  return { body, ...extent, ...(ETag === undefined ? {} : { version: ETag }) };
};

/** Undefined = the object does not go on from there. */
const readFrom = async (reading: Reading, start: number): Promise<ReadAnswer | undefined> => {
  const link = linkAbort(reading.signal);
  try {
    return answerOf(await ask(reading, start, link), reading, start, link);
  } catch (error) {
    link.unlink();
    if (start > 0 && hasStatus(error, ANOTHER_VERSION, BEYOND_ITS_END)) return undefined;
    throw failureOf(reading.url, error, link.signal);
  }
};

/** @throws MagnetarError */
export const readObject = async (reading: Reading): Promise<ReadAnswer> => {
  const { start = 0 } = reading;
  const answer = (await readFrom(reading, start)) ?? (await readFrom(reading, 0));
  if (answer === undefined) throw new TypeError('from 0 there is an answer or an error');
  return answer;
};
