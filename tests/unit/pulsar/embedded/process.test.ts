import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/kernel/clock.ts';
import { endProcess, identityOf, isAlive } from '../../../../src/pulsar/embedded/process.ts';
import { isRunning } from '../../../support/pulsar/process.ts';

const startSleeper = async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  return { child, pid: child.pid ?? 0 };
};

describe('identityOf', () => {
  it('stays the same for a process and is undefined after its end', async () => {
    const { child, pid } = await startSleeper();
    const identity = await identityOf(pid);
    expect(identity).toBeTruthy();
    expect(await identityOf(pid)).toBe(identity);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await identityOf(pid)).toBeUndefined();
  });
});

describe('endProcess', () => {
  it('ends the marked process', async () => {
    const { pid } = await startSleeper();
    const mark = { pid, identity: (await identityOf(pid)) ?? '' };
    expect(await isAlive(mark)).toBe(true);
    await endProcess(mark, systemClock);
    expect(isRunning(pid)).toBe(false);
  });

  it('does not touch a process that only has the same id', async () => {
    const { child, pid } = await startSleeper();
    await endProcess({ pid, identity: 'of another time' }, systemClock);
    expect(isRunning(pid)).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
});
