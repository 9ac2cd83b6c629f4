/** A clock that only tests move. */
import type { Clock } from '../../src/kernel/clock.ts';
import { until } from './until.ts';

export interface VirtualClock extends Clock {
  /** Moves time and lets the sleepers whose time has come go on. */
  advance(ms: number): Promise<void>;
  /** Waits until somebody sleeps. */
  untilSleeping(): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

const START = 1_800_000_000_000;

export const createVirtualClock = (): VirtualClock => {
  let time = 0;
  const sleepers = new Set<Sleeper>();
  return {
    now: () => START + time,
    monotonic: () => time,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          sleepers.delete(sleeper);
          signal.removeEventListener('abort', giveUp);
        };
        const giveUp = () => {
          leave();
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        };
        const sleeper: Sleeper = {
          at: time + ms,
          wake: () => {
            leave();
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal.addEventListener('abort', giveUp);
      }),
    async advance(ms) {
      time += ms;
      for (const sleeper of sleepers) if (sleeper.at <= time) sleeper.wake();
      await Promise.resolve();
    },
    untilSleeping: async () => {
      await until(() => sleepers.size > 0, { what: 'a sleeper' });
    },
  };
};
