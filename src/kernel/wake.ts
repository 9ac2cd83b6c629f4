/** A bell that a loop waits for: rung before or during the wait, it ends the wait; several rings are one. */
import type { Clock } from './clock.ts';

export interface Wake {
  ring(): void;
  /** Resolves when rung or after `ms`; rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}

/** Told to each timer that a ring ends: a reason made anew would cost more than the ring. */
const RUNG = new Error('rung');

export const createWake = (clock: Clock): Wake => {
  let rung = false;
  let release: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      release?.();
    },
    async wait(ms, signal) {
      signal.throwIfAborted();
      if (!rung) {
        const timer = new AbortController();
        const stop = () => {
          timer.abort(RUNG);
        };
        release = stop;
        signal.addEventListener('abort', stop, { once: true });
        await clock.sleep(ms, timer.signal).catch(() => undefined);
        signal.removeEventListener('abort', stop);
        release = undefined;
        signal.throwIfAborted();
      }
      rung = false;
    },
  };
};
