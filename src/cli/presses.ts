/** Ctrl-C counted: the first press stops, the second forces, the third ends the process. SIGTERM counts like a press. */

/**
 * One keypress can arrive twice within some milliseconds: the terminal signals the whole process group, and a parent in it
 * (npm, a shell) may hand its own copy on. No finger is that fast.
 */
const SAME_PRESS_MS = 100;

export interface Presses {
  /** To be called at every signal. */
  readonly press: () => void;
  readonly stop: AbortSignal;
  readonly cancel: AbortSignal;
}

export interface PressesDeps {
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  readonly endAtOnce: () => void;
}

export const createPresses = ({ now, endAtOnce }: PressesDeps): Presses => {
  const stop = new AbortController();
  const cancel = new AbortController();
  let last = Number.NEGATIVE_INFINITY;
  return {
    press: () => {
      const before = last;
      last = now();
      if (last - before < SAME_PRESS_MS) return;
      if (!stop.signal.aborted) stop.abort();
      else if (!cancel.signal.aborted) cancel.abort();
      else endAtOnce();
    },
    stop: stop.signal,
    cancel: cancel.signal,
  };
};
