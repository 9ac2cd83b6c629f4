/** Lets few do costly work at a time, some wait, and refuses the rest at once. */
import { MagnetarError } from './errors.ts';

export interface Turns {
  /** @throws MagnetarError OVERLOADED when too many wait already */
  run<Result>(work: () => Promise<Result>): Promise<Result>;
}

export const createTurns = (atOnce: number, mostWaiting: number): Turns => {
  const waiting: (() => void)[] = [];
  let running = 0;

  const enter = async (): Promise<void> => {
    if (running < atOnce) {
      running += 1;
      return;
    }
    if (waiting.length >= mostWaiting) {
      throw new MagnetarError('OVERLOADED', 'too many such requests at once; try again', {
        headers: { 'retry-after': '1' },
      });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  };

  const leave = (): void => {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next(); // takes over the place
  };

  return {
    async run(work) {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
};
