/**
 * Stores a body: by one put, or by parts that become an object only when all of them are there.
 * `Upload` of @aws-sdk/lib-storage is not used: it does not call its requests off, an abort answers before the parts are removed, and it
 * holds whole parts in memory, which are 550 MiB each at 5 TiB.
 */
import { Readable } from 'node:stream';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { Service } from './clients.ts';
import { failureOf } from './failures.ts';
import { MOST_PARTS, type Cut } from './parts.ts';
import type { Room, Seat } from './room.ts';
import type { Source } from './source.ts';

export interface Upload {
  /** For messages. */
  readonly url: string;
  readonly service: Service;
  readonly bucket: string;
  readonly key: string;
  readonly source: Source;
  readonly room: Room;
  /** Ends the source and all requests. */
  readonly signal: AbortSignal;
  readonly abort: (reason: unknown) => void;
  /** How long to try to remove the parts of an upload that failed. */
  readonly stallMs: number;
}

interface PartsUpload extends Upload {
  readonly id: string;
}

interface Parts {
  readonly parts: readonly CompletedPart[];
  readonly size: number;
}

/** Bytes in memory, and how to give it back. */
interface Held {
  readonly bytes: Buffer;
  readonly leave: Seat['leave'];
}

const hold = async ({ room, source, signal }: Upload, size: number): Promise<Held> => {
  const { buffer, leave } = await room.take(size, signal);
  try {
    return { bytes: await source.fill(buffer), leave };
  } catch (error) {
    leave(true);
    throw error;
  }
};

/** A request that failed may still be looking at its bytes. */
const sendHeldBytes = async <Answer>({ leave }: Held, send: () => Promise<Answer>) => {
  let sent = false;
  try {
    const answer = await send();
    sent = true;
    return answer;
  } finally {
    leave(sent);
  }
};

/** Sends the bytes if they are all there is. */
const put = (upload: Upload, held: Held): Promise<number> =>
  sendHeldBytes(held, async () => {
    const { url, service, bucket, key, source, signal } = upload;
    await source.assertEnd();
    const { bytes } = held;
    const input = { Bucket: bucket, Key: key, Body: bytes, ContentLength: bytes.length };
    const command = new service.sdk.PutObjectCommand(input);
    await service.calls.send(command, { abortSignal: signal }).catch((error: unknown) => {
      throw failureOf(url, error, signal);
    });
    return bytes.length;
  });

const sendPart = async (
  { url, service, bucket, key, id, signal }: PartsUpload,
  number: number,
  body: Buffer | Readable,
  size: number,
): Promise<CompletedPart> => {
  const target = { Bucket: bucket, Key: key, UploadId: id, PartNumber: number };
  const command = new service.sdk.UploadPartCommand({ ...target, Body: body, ContentLength: size });
  try {
    const { ETag } = await service.calls.send(command, { abortSignal: signal });
    return { PartNumber: number, ...(ETag === undefined ? {} : { ETag }) };
  } catch (error) {
    throw failureOf(url, error, signal);
  }
};

/** Side by side, as far as the room lets them in; the first failure ends all. */
const sendHeld = async (upload: PartsUpload, first: Held, part: number): Promise<Parts> => {
  const sent: Promise<CompletedPart>[] = [];
  let size = 0;
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    upload.abort(error);
  };
  try {
    for (let held = first; ; held = await hold(upload, part)) {
      const { bytes } = held;
      if (bytes.length > 0) {
        const number = sent.length + 1;
        const send = () => sendPart(upload, number, bytes, bytes.length);
        sent.push(sendHeldBytes(held, send));
        sent.at(-1)?.catch(fail);
      } else held.leave(true);
      size += bytes.length;
      if (bytes.length < part || sent.length === MOST_PARTS) break;
    }
    await upload.source.assertEnd();
  } catch (error) {
    fail(error);
  }
  const parts = await Promise.allSettled(sent);
  if (failure !== undefined) throw failure.error;
  return { parts: parts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])), size };
};

/** Bytes kept between the source and the connection. */
const PIPE = 256 * 1024;

const passPart = async (
  upload: PartsUpload,
  number: number,
  size: number,
): Promise<CompletedPart> => {
  const options = { objectMode: false, highWaterMark: PIPE };
  const body = Readable.from(upload.source.pass(size), options);
  body.once('error', upload.abort); // the request would wait for the rest
  try {
    return await sendPart(upload, number, body, size);
  } catch (error) {
    throw body.errored ?? error;
  } finally {
    body.destroy();
  }
};

/** One after another, straight from the source. */
const sendPassed = async (upload: PartsUpload, part: number, size: number): Promise<Parts> => {
  const parts: CompletedPart[] = [];
  for (let done = 0; done < size; done += part) {
    parts.push(await passPart(upload, parts.length + 1, Math.min(part, size - done)));
  }
  await upload.source.assertEnd();
  return { parts, size };
};

/** A service that does not answer keeps the parts until a rule of the bucket removes them. */
const discard = async ({ service, bucket, key, id, stallMs }: PartsUpload): Promise<void> => {
  const target = { Bucket: bucket, Key: key, UploadId: id };
  const command = new service.sdk.AbortMultipartUploadCommand(target);
  const options = { abortSignal: AbortSignal.timeout(stallMs) };
  await service.calls.send(command, options).catch(() => undefined);
};

const begin = async (upload: Upload): Promise<PartsUpload> => {
  const { url, service, bucket, key, signal } = upload;
  const command = new service.sdk.CreateMultipartUploadCommand({ Bucket: bucket, Key: key });
  const begun = await service.calls
    .send(command, { abortSignal: signal })
    .catch((error: unknown) => {
      throw failureOf(url, error, signal);
    });
  return { ...upload, id: begun.UploadId ?? '' };
};

const finish = async (upload: PartsUpload, parts: readonly CompletedPart[]): Promise<void> => {
  const { url, service, bucket, key, id, signal } = upload;
  const command = new service.sdk.CompleteMultipartUploadCommand({
    Bucket: bucket,
    Key: key,
    UploadId: id,
    MultipartUpload: { Parts: [...parts] },
  });
  await service.calls.send(command, { abortSignal: signal }).catch((error: unknown) => {
    throw failureOf(url, error, signal);
  });
};

const inParts = async (
  upload: Upload,
  send: (upload: PartsUpload) => Promise<Parts>,
): Promise<number> => {
  const begun = await begin(upload);
  try {
    const { parts, size } = await send(begun);
    await finish(begun, parts);
    return size;
  } catch (error) {
    await discard(begun);
    throw error;
  }
};

const storeHeld = async (upload: Upload, part: number): Promise<number> => {
  const first = await hold(upload, part);
  if (first.bytes.length < part) return put(upload, first);
  try {
    return await inParts(upload, (begun) => sendHeld(begun, first, part));
  } finally {
    first.leave(false);
  }
};

/** Answers the bytes stored. @throws MagnetarError; errors of the source stay what they are */
export const store = async (upload: Upload, cut: Cut): Promise<number> => {
  switch (cut.kind) {
    case 'put':
      return put(upload, await hold(upload, cut.size));
    case 'held':
      return storeHeld(upload, cut.part);
    case 'passed':
      return inParts(upload, (begun) => sendPassed(begun, cut.part, cut.size));
  }
};
