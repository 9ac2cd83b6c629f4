import { afterEach, describe, expect, it } from 'vitest';
import { createWake } from '../../../../src/kernel/wake.ts';
import { watch } from '../../../../src/pulsar/embedded/watch.ts';
import { createKeptLog } from '../../../support/pulsar/kept-log.ts';
import { createVirtualClock } from '../../../support/virtual-clock.ts';

const CHECK_MS = 3000;
let stop: () => Promise<void> = () => Promise.resolve();

afterEach(() => stop());

/** A Pulsar that a test lets live, hang and fail. */
const scene = () => {
  const clock = createVirtualClock();
  const bell = createWake(clock);
  const life = new AbortController();
  const { logger, lines } = createKeptLog();
  const pulsar = { alive: true, well: true, startable: true, restarts: 0, probes: 0 };
  const done = watch({
    clock,
    logger,
    bell,
    signal: life.signal,
    alive: () => Promise.resolve(pulsar.alive),
    probe: () => {
      pulsar.probes += 1;
      return pulsar.well ? Promise.resolve() : Promise.reject(new Error('silent'));
    },
    restart: () => {
      pulsar.restarts += 1;
      if (!pulsar.startable) return Promise.reject(new Error('no start'));
      pulsar.alive = true;
      pulsar.well = true;
      return Promise.resolve();
    },
  });
  stop = async () => {
    life.abort(new Error('over'));
    await done;
  };
  /** Lets time pass in small steps, so that every waiting loop takes part. */
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 250) {
      await clock.untilSleeping();
      await clock.advance(250);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { pulsar, bell, pass, lines };
};

describe('watch', () => {
  it('looks every few seconds and leaves a healthy Pulsar alone', async () => {
    const { pulsar, pass } = scene();
    await pass(5 * CHECK_MS);
    expect(pulsar.probes).toBeGreaterThanOrEqual(4);
    expect(pulsar.restarts).toBe(0);
  });

  it('starts an ended Pulsar anew as soon as it is told', async () => {
    const { pulsar, pass, bell, lines } = scene();
    await pass(500);
    pulsar.alive = false;
    bell.ring();
    await pass(500);
    expect(pulsar.restarts).toBe(1);
    expect(lines[0]).toMatchObject({ trouble: 'ended', restarts: 1 });
  });

  it('finds the end also when nobody tells', async () => {
    const { pulsar, pass } = scene();
    pulsar.alive = false;
    await pass(CHECK_MS + 500);
    expect(pulsar.restarts).toBe(1);
  });

  it('gives a silent Pulsar a minute before it counts as hanging', async () => {
    const { pulsar, pass, lines } = scene();
    pulsar.well = false;
    await pass(57_000);
    expect(pulsar.restarts).toBe(0);
    await pass(2 * CHECK_MS + 1000);
    expect(pulsar.restarts).toBe(1);
    expect(lines[0]).toMatchObject({ trouble: 'hangs' });
  });

  it('tries ever more slowly while Pulsar cannot be started, and never gives up', async () => {
    const { pulsar, pass, lines } = scene();
    pulsar.alive = false;
    pulsar.startable = false;
    await pass(120_000);
    expect(pulsar.restarts).toBeGreaterThan(6);
    expect(pulsar.restarts).toBeLessThan(20);
    expect(lines.some((line) => line.message === 'embedded Pulsar cannot be started')).toBe(true);
    pulsar.startable = true;
    await pass(60_000);
    expect(pulsar.alive).toBe(true);
  });

  it('waits no longer than at first once Pulsar was well for a while', async () => {
    const { pulsar, pass, lines } = scene();
    for (let n = 0; n < 3; n += 1) {
      pulsar.alive = false;
      await pass(70_000);
    }
    const waits = lines.filter((line) => 'wait_ms' in line).map((line) => line['wait_ms']);
    expect(waits).toEqual([0, 0, 0]);
  });
});
