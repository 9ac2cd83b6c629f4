/** The file by which a later start finds a Pulsar that is still running. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ProcessMark } from './process.ts';

export interface PulsarState extends ProcessMark {
  readonly v: 1;
  readonly port: number;
  readonly privateToken: string;
  /** Hash of everything Pulsar was started with; another one means: start it anew. */
  readonly fingerprint: string;
  /** For people; milliseconds since 1970. */
  readonly startedAt: number;
}

const decodeState = (text: string): PulsarState | undefined => {
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const { v, pid, identity, port, privateToken, fingerprint, startedAt } = value;
    if (v !== 1 || typeof pid !== 'number' || typeof identity !== 'string') return undefined;
    if (typeof port !== 'number' || typeof privateToken !== 'string') return undefined;
    if (typeof fingerprint !== 'string' || typeof startedAt !== 'number') return undefined;
    return { v, pid, identity, port, privateToken, fingerprint, startedAt };
  } catch {
    return undefined;
  }
};

export const readState = async (file: string): Promise<PulsarState | undefined> =>
  decodeState(await readFile(file, 'utf8').catch(() => ''));

export const writeState = async (file: string, state: PulsarState): Promise<void> => {
  await writeFile(`${file}.new`, JSON.stringify(state), { mode: 0o600 });
  await rename(`${file}.new`, file);
};

export const removeState = (file: string): Promise<void> => rm(file, { force: true });
