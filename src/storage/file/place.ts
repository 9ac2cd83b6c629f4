/** A file or folder that is open, so that it stays the same whatever gets its name. */
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { systemError } from './failures.ts';

export class Place {
  readonly handle: FileHandle;
  readonly info: BigIntStats;
  /** From `/` down; none of them was a link. */
  readonly names: readonly string[];
  #users = 0;
  #isLeft = false;

  constructor(handle: FileHandle, info: BigIntStats, names: readonly string[]) {
    this.handle = handle;
    this.info = info;
    this.names = names;
  }

  get path(): string {
    return `/${this.names.join('/')}`;
  }

  /** Work that names the open folder by its number, which must not be given to another file meanwhile. */
  async use<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#isLeft) throw systemError('ESTALE');
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      this.#closeIfLeft();
    }
  }

  /** Closes it as soon as nobody uses it. */
  leave(): void {
    this.#isLeft = true;
    this.#closeIfLeft();
  }

  #closeIfLeft(): void {
    if (this.#isLeft && this.#users === 0) void this.handle.close().catch(() => undefined);
  }
}

export const isSame = (one: BigIntStats, other: BigIntStats): boolean =>
  one.dev === other.dev && one.ino === other.ino;
