/** Contract of durability: what was acknowledged is there, even when the process dies in the next instant. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseTaskId } from '../../src/tasks/ids.ts';
import type { OpenStore } from '../../src/store/change-hub.ts';
import { childCreation } from './child-creation.ts';
import { CALL, range } from './store-site.ts';

const PROGRAM = fileURLToPath(new URL('./store-child.ts', import.meta.url));

interface Acknowledged {
  readonly id: string;
  readonly key: string;
}

interface Life {
  readonly store: string;
  readonly where: string;
  /** Start of its keys. */
  readonly keys: string;
  /** Acknowledged tasks before it is killed. */
  readonly count: number;
}

/** Runs the child program and kills it with SIGKILL; answers all that it acknowledged. */
const createAndKill = async ({
  store,
  where,
  keys,
  count,
}: Life): Promise<readonly Acknowledged[]> => {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, store, where, keys], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [id = '', key = ''] = line.split(' ');
    acknowledged.push({ id, key });
    if (acknowledged.length === count) child.kill('SIGKILL');
  }
  await ended;
  return acknowledged;
};

export interface DurableHost {
  /** Name of the store that the child program opens. */
  readonly store: string;
  /** Makes an empty database and answers where it is. */
  make(): Promise<string>;
  open(where: string): Promise<OpenStore>;
}

/** Creations that the child has under way at most, acknowledged or not. */
const UNDER_WAY = 8;

export const storeDurability = (host: DurableHost): void => {
  describe('durability', () => {
    it(
      'loses nothing acknowledged when the process is killed at any moment, and makes no task twice when all is asked for again',
      { timeout: 120_000 },
      async () => {
        const where = await host.make();
        const lives = [1, 40, 150].map((count) => ({ keys: `life ${String(count)} `, count }));
        const told = new Map<string, readonly Acknowledged[]>();
        for (const life of lives) {
          told.set(life.keys, await createAndKill({ store: host.store, where, ...life }));
        }
        const { store } = await host.open(where);
        try {
          for (const { id: text } of [...told.values()].flat()) {
            const id = parseTaskId(text);
            if (id === undefined) throw new Error(`the child wrote ${text}`);
            expect((await store.get(id, 'all', CALL))?.spec.name).toBe('child');
            expect(await store.parts([id], ['content'], CALL)).toHaveLength(1);
          }
          const ids = new Set<string>();
          for (const [keys, acknowledged] of told) {
            const known = new Map(acknowledged.map(({ id, key }) => [key, id]));
            for (const n of range(acknowledged.length + UNDER_WAY)) {
              const key = `${keys}${String(n + 1)}`;
              const { task, part, once: wanted } = childCreation(key);
              const created = await store.create(task, [part], { ...CALL, once: wanted });
              if (created === 'other') throw new Error(`${key} is another's`);
              expect(created.id).toBe(known.get(key) ?? created.id);
              expect(await store.parts([created.id], ['content'], CALL)).toHaveLength(1);
              ids.add(created.id);
            }
          }
          const request = { scope: 'all', filter: { tags: [] }, limit: 2000 } as const;
          const { items } = await store.listSummaries(request, CALL);
          expect(items.map(({ id }) => id).sort()).toEqual([...ids].sort());
          expect(ids.size).toBeGreaterThanOrEqual(191);
        } finally {
          await store.close();
        }
      },
    );
  });
};
