import { describe, expect, it } from 'vitest';
import { createGate } from '../../../src/kernel/gate.ts';

const never = new AbortController().signal;

interface HeldWork {
  work(): Promise<void>;
  end(): void;
}

/** Work that ends when told. */
const heldWork = (): HeldWork => {
  let end = (): void => undefined;
  const promise = new Promise<void>((resolve) => (end = resolve));
  return { work: () => promise, end: () => end() };
};

describe('createGate', () => {
  it('lets as many in as it has places, the others in order', async () => {
    const gate = createGate(2);
    const entered: number[] = [];
    const works = [0, 1, 2, 3].map(() => heldWork());
    const runs = works.map((one, n) =>
      gate.run(() => {
        entered.push(n);
        return one.work();
      }, never),
    );
    await Promise.resolve();
    expect(entered).toEqual([0, 1]);
    works[1]?.end();
    await runs[1];
    expect(entered).toEqual([0, 1, 2]);
    for (const one of works) one.end();
    await Promise.all(runs);
    expect(entered).toEqual([0, 1, 2, 3]);
  });

  it('gives a place back after a failure', async () => {
    const gate = createGate(1);
    await expect(gate.run(() => Promise.reject(new Error('no')), never)).rejects.toThrow('no');
    expect(await gate.run(() => Promise.resolve('yes'), never)).toBe('yes');
  });

  it('takes nobody who was called off, waiting or before', async () => {
    const gate = createGate(1);
    const first = heldWork();
    const running = gate.run(() => first.work(), never);
    const controller = new AbortController();
    const waiting = gate.run(() => Promise.resolve('in'), controller.signal);
    const last = gate.run(() => Promise.resolve('last'), never);
    controller.abort(new Error('off'));
    await expect(waiting).rejects.toThrow('off');
    const early = gate.run(() => Promise.resolve('in'), AbortSignal.abort(new Error('early')));
    await expect(early).rejects.toThrow('early');
    first.end();
    await running;
    expect(await last).toBe('last');
  });
});
