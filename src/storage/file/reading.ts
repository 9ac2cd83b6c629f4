/** The bytes of an open file, piece by piece; it must stay the same meanwhile. */
import { constants, type BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadAnswer, ReadOptions } from '../../tasks/ports/object-storage.ts';
import { incomingBody } from '../connect/bodies.ts';
import { failed, unavailable } from '../connect/failures.ts';
import type { Line } from './disk.ts';
import type { Place } from './place.ts';
import type { Steps } from './steps.ts';

/** A file that was written to keeps its size only by chance, and one that was replaced has another number. */
export const versionOf = ({ size, mtimeNs, ino }: BigIntStats): string =>
  [size, mtimeNs, ino].map(String).join('-');

export interface OpenFile {
  readonly handle: FileHandle;
  readonly info: BigIntStats;
}

/** O_NONBLOCK: a file that is leased to somebody else is refused instead of waited for. */
export const openFile = async (steps: Steps, url: string, place: Place): Promise<OpenFile> => {
  if (place.info.isDirectory()) throw failed(url, 'is a folder');
  const handle = await steps.open(place, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { handle, info: await handle.stat({ bigint: true }) };
  } catch (error) {
    await handle.close();
    throw error;
  }
};

const PIECE = 256 * 1024;

interface Reading {
  readonly line: Line;
  readonly url: string;
  readonly stallMs: number;
}

const piecesOf = (
  { line, url }: Reading,
  { handle, info }: OpenFile,
  { start, signal }: { readonly start: number; readonly signal: AbortSignal },
): Readable => {
  const size = Number(info.size);
  let position = start;

  const next = async (): Promise<Buffer | null> => {
    const length = Math.min(PIECE, size - position);
    const { bytesRead, buffer } = await handle.read(
      Buffer.allocUnsafe(length),
      0,
      length,
      position,
    );
    position += bytesRead;
    if (bytesRead > 0) return buffer.subarray(0, bytesRead);
    const now = await handle.stat({ bigint: true });
    if (versionOf(now) !== versionOf(info)) throw unavailable(url, 'changed while it was read');
    return null;
  };

  return new Readable({
    highWaterMark: PIECE,
    read() {
      line.run(next, { url, signal }).then(
        (piece) => this.push(piece),
        (error: unknown) => this.destroy(error as Error),
      );
    },
    destroy(error, done) {
      void line.tidy(() => handle.close());
      done(error);
    },
  });
};

export const readOpen = (
  reading: Reading,
  file: OpenFile,
  { start = 0, version: wanted, signal }: ReadOptions,
): ReadAnswer => {
  const { url, stallMs } = reading;
  const size = Number(file.info.size);
  const version = versionOf(file.info);
  const from = start <= size && (wanted === undefined || wanted === version) ? start : 0;
  const source = piecesOf(reading, file, { start: from, signal });
  const body = incomingBody(source, { url, stallMs, signal, size: size - from });
  return { body, start: from, size, version };
};
