/** The body of an upload, taken in pieces of the size that is wanted. Only what its source does is watched: a full room is the service's doing. */
import type { Readable } from 'node:stream';
import type { MagnetarError } from '../../kernel/errors.ts';
import type { BodyBounds } from '../connect/bodies.ts';
import { abortReason, failed, unavailable } from '../connect/failures.ts';

export interface Source {
  /** Fills the buffer; answers the part of it that is filled, less than all only at the end. */
  fill(buffer: Buffer): Promise<Buffer>;
  /** The next bytes as they come. @throws MagnetarError when the end comes before */
  pass(bytes: number): AsyncGenerator<Buffer, void>;
  /** @throws MagnetarError when there is more, or fewer bytes came than were announced */
  assertEnd(): Promise<void>;
  close(): Promise<void>;
}

/** Pieces as they come; undefined at the end. */
interface Pieces {
  next(): Promise<Buffer | undefined>;
  close(): Promise<void>;
}

const watch = (body: Readable, { url, stallMs, signal }: BodyBounds): Pieces => {
  const pieces = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, void>;
  const onAbort = (): void => {
    body.destroy(abortReason(signal));
  };
  const onStall = (): void => {
    const seconds = String(stallMs / 1000);
    body.destroy(unavailable(url, `nothing to store has come for ${seconds} s`));
  };
  body.on('error', () => undefined); // heard by whoever takes the next piece, if anybody does
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    async next() {
      const stall = setTimeout(onStall, stallMs);
      try {
        const piece = await pieces.next();
        if (piece.done === true) return undefined;
        const { buffer, byteOffset, byteLength } = piece.value;
        return Buffer.from(buffer, byteOffset, byteLength);
      } finally {
        clearTimeout(stall);
      }
    },
    async close() {
      signal.removeEventListener('abort', onAbort);
      await pieces.return?.();
      body.destroy();
    },
  };
};

const NOTHING = Buffer.alloc(0);

export const createSource = (body: Readable, bounds: BodyBounds): Source => {
  const { url, size } = bounds;
  const pieces = watch(body, bounds);
  let count = 0;
  let rest: Buffer = NOTHING;

  /** Whether there is a rest now. */
  const fetch = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const piece = await pieces.next();
      if (piece === undefined) return false;
      rest = piece;
      count += piece.length;
    }
    return true;
  };

  const short = (): MagnetarError =>
    failed(url, `there are only ${String(count)} bytes to be stored, not ${String(size)}`);

  return {
    async fill(buffer) {
      let filled = 0;
      while (filled < buffer.length && (await fetch())) {
        const copied = rest.copy(buffer, filled);
        rest = rest.subarray(copied);
        filled += copied;
      }
      return buffer.subarray(0, filled);
    },
    async *pass(bytes) {
      let left = bytes;
      while (left > 0) {
        if (!(await fetch())) throw short();
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    },
    async assertEnd() {
      if (await fetch()) {
        throw size === undefined
          ? failed(url, 'there is more to be stored than S3 takes without knowing how much')
          : failed(url, `there are more than the ${String(size)} bytes to be stored`);
      }
      if (size !== undefined && count < size) throw short();
    },
    close: pieces.close,
  };
};
