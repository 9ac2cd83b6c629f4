/** Contract of durability: what was acknowledged is there, even when the process dies in the next instant. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseTaskId } from '../../src/tasks/ids.ts';
import type { OpenStore } from '../../src/store/change-hub.ts';
import { CALL } from './store-site.ts';

const PROGRAM = fileURLToPath(new URL('./store-child.ts', import.meta.url));

/** Runs the child program and kills it with SIGKILL after so many acknowledged tasks; answers all ids it acknowledged. */
export const createAndKill = async (
  store: string,
  where: string,
  count: number,
): Promise<readonly string[]> => {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, store, where], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const ids: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    ids.push(line);
    if (ids.length === count) child.kill('SIGKILL');
  }
  await ended;
  return ids;
};

export interface DurableHost {
  /** Name of the store that the child program opens. */
  readonly store: string;
  /** Makes an empty database and answers where it is. */
  make(): Promise<string>;
  open(where: string): Promise<OpenStore>;
}

export const storeDurability = (host: DurableHost): void => {
  describe('durability', () => {
    it(
      'loses nothing acknowledged when the process is killed at any moment',
      { timeout: 120_000 },
      async () => {
        const where = await host.make();
        const acknowledged: string[] = [];
        for (const count of [1, 40, 150]) {
          acknowledged.push(...(await createAndKill(host.store, where, count)));
        }
        expect(acknowledged.length).toBeGreaterThanOrEqual(191);
        const { store } = await host.open(where);
        try {
          for (const text of acknowledged) {
            const id = parseTaskId(text);
            if (id === undefined) throw new Error(`the child wrote ${text}`);
            expect((await store.get(id, 'all', CALL))?.spec.name).toBe('child');
            expect(await store.parts([id], ['content'], CALL)).toHaveLength(1);
          }
        } finally {
          await store.close();
        }
      },
    );
  });
};
