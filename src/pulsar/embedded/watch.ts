/** Keeps the embedded Pulsar running: starts it anew when it ended or hangs, ever more slowly when that does not help. */
import { backoffDelayMs, type BackoffPolicy } from '../../kernel/backoff.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Wake } from '../../kernel/wake.ts';
import { withLinked } from '../../kernel/link-abort.ts';
import type { Probe } from './launch.ts';

export interface WatchOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Rung when the process ends. */
  readonly bell: Wake;
  readonly signal: AbortSignal;
  readonly alive: () => Promise<boolean>;
  readonly probe: Probe;
  /** Ends what is left and starts a new one; answers when it is ready. */
  readonly restart: () => Promise<void>;
}

const CHECK_EVERY_MS = 3000;
const PROBE_LIMIT_MS = 10_000;
/** Four busy threads keep a healthy Pulsar from answering for a while; a restart makes its jobs' states unknown. */
const HANGS_AFTER_MS = 60_000;
/** A Pulsar that stayed well this long starts the back-off over. */
const WELL_AFTER_MS = 60_000;
const RESTARTS: BackoffPolicy = { firstMs: 250, factor: 2, maxMs: 30_000 };

type Trouble = 'ended' | 'hangs';

/** Returns when the signal aborts, never throws. */
export const watch = async (options: WatchOptions): Promise<void> => {
  const { clock, logger, bell, signal, alive, probe, restart } = options;
  let lastWell = clock.monotonic();
  let wellSince = lastWell;
  let restarts = 0;

  const check = async (): Promise<Trouble | undefined> => {
    if (!(await alive())) return 'ended';
    try {
      await withLinked([signal, AbortSignal.timeout(PROBE_LIMIT_MS)], probe);
      lastWell = clock.monotonic();
      if (lastWell - wellSince > WELL_AFTER_MS) restarts = 0;
      return undefined;
    } catch {
      return clock.monotonic() - lastWell > HANGS_AFTER_MS ? 'hangs' : undefined;
    }
  };

  const recover = async (trouble: Trouble): Promise<void> => {
    const waitMs = restarts === 0 ? 0 : backoffDelayMs(RESTARTS, restarts - 1, Math.random());
    restarts += 1;
    logger.warn('embedded Pulsar is started anew', { trouble, restarts, wait_ms: waitMs });
    await clock.sleep(waitMs, signal);
    await restart();
    lastWell = clock.monotonic();
    wellSince = lastWell;
  };

  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    try {
      await bell.wait(CHECK_EVERY_MS, signal);
      const trouble = await check();
      if (trouble !== undefined) await recover(trouble);
    } catch (error) {
      if (stopped()) return;
      logger.error('embedded Pulsar cannot be started', { error });
      bell.ring(); // look again at once: what is left to wait is the back-off
    }
  }
};
