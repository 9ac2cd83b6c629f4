/** How every call to the store runs: refused when called off or closed, errors translated, changes told after the commit. */
import { MagnetarError } from '../../kernel/errors.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { ChangeHub } from '../change-hub.ts';
import type { CommitQueue } from './commit-queue.ts';
import { toStoreError } from './errors.ts';
import type { OpenedDatabase } from './open.ts';
import type { Written } from './writes.ts';

export interface Calls {
  read<Result>(options: CallOptions, work: () => Result): Promise<Result>;
  commit<Result>(options: CallOptions, work: () => Result): Promise<Result>;
  /** A commit that listeners hear of. */
  change<Result>(options: CallOptions, work: () => Written<Result>): Promise<Result>;
  /** Refuses what comes later, and closes the database when what has arrived is answered. */
  close(): Promise<void>;
}

export const createCalls = (
  database: OpenedDatabase,
  queue: CommitQueue,
  hub: ChangeHub,
): Calls => {
  let open = true;

  const assertUsable = ({ signal }: CallOptions): void => {
    signal.throwIfAborted();
    if (!open) throw new MagnetarError('STOPPING', 'the store is closed');
    queue.assertSound();
  };

  const commit = async <Result>(options: CallOptions, work: () => Result): Promise<Result> => {
    assertUsable(options);
    return queue.commit(work, options.signal);
  };

  return {
    async read(options, work) {
      assertUsable(options);
      try {
        return await Promise.resolve(work());
      } catch (error) {
        throw toStoreError(error);
      }
    },
    commit,
    async change(options, work) {
      const { result, change } = await commit(options, work);
      if (change !== undefined) setImmediate(() => hub.emit(change)); // after the caller: what listeners do must not delay an answer
      return result;
    },
    async close() {
      if (!open) return;
      open = false;
      await queue.idle();
      database.close();
    },
  };
};
