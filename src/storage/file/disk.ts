/**
 * Work on files in the few threads that Node has for it, which commits need as well (ADR 0012). A call into a file
 * system whose server is gone keeps its thread until the kernel gives it back: nothing in this process can end it.
 * So few are under way at a time, whoever waits can leave, and nobody waits longer than the stall time; a place that
 * hangs stays taken. When all hang, files of all roots are STORAGE_UNAVAILABLE and the rest of the server goes on.
 */
import { MagnetarError } from '../../kernel/errors.ts';
import { createGate } from '../../kernel/gate.ts';
import { linkAbort } from '../../kernel/link-abort.ts';
import { abortReason, unavailable } from '../connect/failures.ts';
import { fileFailure } from './failures.ts';

/** Of four threads; the allow-list may keep a third. */
const AT_ONCE = 2;

export interface Work<Result> {
  /** For messages. */
  readonly url: string;
  readonly signal: AbortSignal;
  /** How often the stall time it may take. */
  readonly times?: number;
  /** Lets go of a result that comes when nobody waits for it any more. */
  readonly late?: (result: Result) => void;
}

type Run = <Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  options: Work<Result>,
) => Promise<Result>;

/** One call after the other. */
export interface Line {
  readonly run: Run;
  /**
   * Cleaning up after the call under way, which may hang and must not be given company; neither an abort nor a close
   * keeps it from being done, and its failures are of no use to anybody.
   */
  tidy(work: () => Promise<void>): Promise<void>;
}

export interface Disk {
  /** Nobody waits for what an abort or the stall time left behind; `late` gets its result. @throws MagnetarError */
  readonly run: Run;
  line(): Line;
  close(): void;
}

const ignore = (): void => undefined;

export const createDisk = (stallMs: number, atOnce = AT_ONCE): Disk => {
  const gate = createGate(atOnce);
  const closed = new AbortController();
  const never = new AbortController().signal;

  const run: Run = (work, { url, signal, times = 1, late }) =>
    new Promise((resolve, reject) => {
      const own = linkAbort(signal, closed.signal);
      const timer = setTimeout(() => {
        own.abort(unavailable(url, 'its file system does not answer'));
      }, stallMs * times);
      const end = (): void => {
        clearTimeout(timer);
        own.unlink();
      };
      const leave = (): void => {
        end();
        reject(abortReason(own.signal));
      };
      if (own.signal.aborted) leave();
      else own.signal.addEventListener('abort', leave, { once: true });
      gate
        .run(() => work(own.signal), own.signal)
        .then(
          (result) => {
            if (own.signal.aborted) late?.(result);
            resolve(result);
          },
          (error: unknown) => {
            reject(fileFailure(url, error));
          },
        )
        .finally(end);
    });

  return {
    run,
    line() {
      let last: Promise<unknown> = Promise.resolve();
      return {
        run: (work, options) =>
          run((signal) => {
            const begun = work(signal);
            last = begun;
            return begun;
          }, options),
        tidy: (work) => last.then(ignore, ignore).then(() => gate.run(work, never).catch(ignore)),
      };
    },
    close() {
      closed.abort(new MagnetarError('ABORTED', 'the storage is closed'));
    },
  };
};
