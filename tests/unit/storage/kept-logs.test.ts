import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createIdSource } from '../../../src/kernel/ids.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { createKeptLogs, type KeepLimits } from '../../../src/storage/logs/kept-logs.ts';
import { newTaskId } from '../../../src/tasks/ids.ts';
import type { KeptLogs, LogName } from '../../../src/tasks/ports/kept-logs.ts';

const ids = createIdSource(() => Date.now());
const options = { signal: new AbortController().signal };

let directory: string;

beforeEach(() => {
  directory = join(mkdtempSync(join(tmpdir(), 'logs-')), 'logs');
});

afterEach(() => {
  rmSync(join(directory, '..'), { recursive: true });
});

const nameOf = (more: Partial<LogName> = {}): LogName => ({
  task: newTaskId(ids),
  attempt: 1,
  executor: 0,
  stream: 'stdout',
  ...more,
});

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

const open = (limits?: Partial<KeepLimits>, now = 0): KeptLogs =>
  createKeptLogs({
    directory,
    clock: { ...systemClock, now: () => Date.now() + now },
    ...(limits === undefined
      ? {}
      : { limits: { keptMs: 1e9, mostBytes: 1e9, sweepMs: 0, ...limits } }),
  });

const textOf = async (logs: KeptLogs, name: LogName): Promise<string | undefined> => {
  const path = await logs.find(name, options);
  return path === undefined ? undefined : readFileSync(path, 'utf8');
};

describe('keep', () => {
  it('keeps the pieces in a file that only its owner reads', async () => {
    const name = nameOf();
    await open().keep(name, pieces('a', 'b'), options);
    expect(await textOf(open(), name)).toBe('ab');
    const path = (await open().find(name, options)) ?? '';
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('replaces what was kept, and keeps it when the pieces break off', async () => {
    const logs = open();
    const name = nameOf();
    await logs.keep(name, pieces('first'), options);
    const broken = async function* () {
      yield await Promise.resolve(Buffer.from('half'));
      throw new Error('broke off');
    };
    await expect(logs.keep(name, broken(), options)).rejects.toThrow('broke off');
    expect(await textOf(logs, name)).toBe('first');
    expect(readdirSync(join(directory, name.task, '1'))).toEqual(['0.stdout']);
    await Promise.all([
      logs.keep(name, pieces('second'), options),
      logs.keep(name, pieces('second'), options),
    ]);
    expect(await textOf(logs, name)).toBe('second');
  });

  it('removes the logs of the oldest tasks when all together are too long', async () => {
    const logs = open({ mostBytes: 10 });
    const names = [nameOf(), nameOf(), nameOf()];
    for (const name of names) await logs.keep(name, pieces('12345'), options);
    expect(await Promise.all(names.map((name) => textOf(logs, name)))).toEqual([
      undefined,
      '12345',
      '12345',
    ]);
  });

  it('removes what is too old, and does not show it before', async () => {
    const name = nameOf();
    await open().keep(name, pieces('old'), options);
    const later = open({ keptMs: 1_000 }, 2_000);
    expect(await textOf(later, name)).toBeUndefined();
    expect(existsSync(join(directory, name.task))).toBe(true);
    await later.keep(nameOf(), pieces('new'), options);
    expect(existsSync(join(directory, name.task))).toBe(false);
  });
});

describe('find', () => {
  it('tells executors, streams, attempts and tasks apart', async () => {
    const logs = open();
    const name = nameOf();
    await logs.keep(name, pieces('x'), options);
    for (const other of [
      { ...name, executor: 1 },
      { ...name, stream: 'stderr' as const },
      { ...name, attempt: 2 },
      nameOf(),
    ]) {
      expect(await logs.find(other, options)).toBeUndefined();
    }
  });
});
