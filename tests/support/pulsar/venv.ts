/** The virtual environment that all tests share: the pinned Pulsar in `.cache/pulsar/venv`, made when it is missing. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureInstalled, type Installation } from '../../../src/pulsar/embedded/install.ts';
import { isRunning } from './process.ts';
import { until } from '../until.ts';

const CACHE = fileURLToPath(new URL('../../../.cache/pulsar/', import.meta.url));
export const VENV = join(CACHE, 'venv');
const LOCK = join(CACHE, 'lock');

/** PATH, HOME and what else this process was started with. */
export const testEnvironment = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(process.env).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value] as const],
    ),
  );

/** PATH and HOME for Pulsars and their jobs. */
export const pulsarEnvironment = (): { PATH: string; HOME: string } => {
  const { PATH = '/usr/bin:/bin', HOME = '/' } = testEnvironment();
  return { PATH, HOME };
};

const takeLock = async (): Promise<boolean> => {
  try {
    await writeFile(LOCK, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    const owner = Number(await readFile(LOCK, 'utf8').catch(() => ''));
    if (owner > 0 && !isRunning(owner)) await rm(LOCK, { force: true });
    return false;
  }
};

/** Safe to call from several test processes at once. */
export const pulsarInstallation = async (): Promise<Installation> => {
  await mkdir(CACHE, { recursive: true });
  await until(takeLock, { timeoutMs: 400_000, everyMs: 50, what: 'lock of the shared Pulsar' });
  try {
    return await ensureInstalled({
      venv: VENV,
      environment: testEnvironment(),
      signal: AbortSignal.timeout(400_000),
      onProgress: () => undefined,
    });
  } finally {
    await rm(LOCK, { force: true });
  }
};
