/** Memory for the bodies of uploads, all uploads together: whoever finds no room waits his turn. Buffers are used again, for the collector frees them late. */
import { abortReason } from '../connect/failures.ts';

export interface Seat {
  readonly buffer: Buffer;
  /** Gives the memory back; `again`: nobody else looks at the buffer any more. */
  leave(again: boolean): void;
}

export interface Room {
  /** @throws MagnetarError of the abort */
  take(bytes: number, signal: AbortSignal): Promise<Seat>;
}

interface Waiting {
  readonly bytes: number;
  readonly enter: () => void;
}

/** Smaller ones are not worth keeping. */
const KEPT_FROM = 1024 * 1024;

/** Buffers that were given back, as long as any are in use. */
const createSpares = () => {
  let spares: readonly Buffer[] = [];
  const bytes = (): number => spares.reduce((sum, { length }) => sum + length, 0);
  return {
    keep(buffer: Buffer): void {
      if (buffer.length >= KEPT_FROM) spares = [...spares, buffer];
    },
    /** One of just this size, or a new one; `most`: how much the others may take then. */
    get(size: number, most: number): Buffer {
      const found = spares.find(({ length }) => length === size);
      spares = spares.filter((spare) => spare !== found);
      while (bytes() > most) spares = spares.slice(1);
      return found ?? Buffer.allocUnsafeSlow(size);
    },
    drop(): void {
      spares = [];
    },
  };
};

export const createRoom = (total: number): Room => {
  const spares = createSpares();
  const queue: Waiting[] = [];
  let used = 0;

  const admit = (): void => {
    for (let first = queue[0]; first !== undefined; first = queue[0]) {
      if (first.bytes > total - used) return;
      queue.shift();
      used += first.bytes;
      first.enter();
    }
    if (used === 0) spares.drop();
  };

  const seat = (bytes: number): Seat => {
    const buffer = spares.get(bytes, total - used);
    let left = false;
    return {
      buffer,
      leave(again) {
        if (left) return;
        left = true;
        used -= bytes;
        if (again) spares.keep(buffer);
        admit();
      },
    };
  };

  return {
    take: (bytes, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(abortReason(signal));
          return;
        }
        const waiting: Waiting = {
          bytes,
          enter: () => {
            signal.removeEventListener('abort', onAbort);
            resolve(seat(bytes));
          },
        };
        const onAbort = (): void => {
          queue.splice(queue.indexOf(waiting), 1);
          reject(abortReason(signal));
          admit(); // whoever is behind may need less
        };
        signal.addEventListener('abort', onAbort, { once: true });
        queue.push(waiting);
        admit();
      }),
  };
};
