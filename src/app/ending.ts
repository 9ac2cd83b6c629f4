/** The end of the application: what runs goes on, unless the wish to cancel it comes before or while it stops. */
import type { App } from '../cli/serve.ts';
import type { Dispatcher } from '../dispatcher/dispatcher.ts';
import type { Clock } from '../kernel/clock.ts';
import { createDeferred } from '../kernel/deferred.ts';
import type { Logger } from '../kernel/logger.ts';
import type { Releases } from '../kernel/releases.ts';

export interface EndingDeps {
  /** Undefined until the server has started. */
  readonly dispatcher: () => Pick<Dispatcher, 'active' | 'cancelActive'> | undefined;
  readonly releases: Releases;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long a second Ctrl-C may still come, and how long cancelling may then take. */
const SECOND_THOUGHT_MS = 1_000;
const CANCEL_LIMIT_MS = 10_000;

const NEVER = new AbortController().signal;

export const createEnding = ({
  dispatcher,
  releases,
  clock,
  logger,
}: EndingDeps): Omit<App, 'start'> => {
  const secondThought = createDeferred<void>();
  let cancelled: Promise<void> | undefined;
  const running = () => dispatcher()?.active() ?? 0;
  return {
    running,
    async stop() {
      if (running() > 0) {
        await Promise.race([secondThought.promise, clock.sleep(SECOND_THOUGHT_MS, NEVER)]);
      }
      await cancelled?.catch((error: unknown) => {
        logger.warn('not every task could be cancelled', { error });
      });
      const left = running();
      await releases.release();
      return { running: left };
    },
    async cancelAll() {
      cancelled = dispatcher()?.cancelActive(AbortSignal.timeout(CANCEL_LIMIT_MS));
      secondThought.resolve();
      await cancelled;
    },
  };
};
