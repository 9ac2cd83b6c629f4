/** The load test of TESP API (S1.66) as one of our own: 100 tasks, sent by 10 callers at once, are all COMPLETE, each of them run once. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KINDS, startStage, type Stage } from '../support/server/on-engine.ts';

const TASKS = 100;
const CALLERS = 10;
const END_LIMIT_MS = 300_000;

const resources = {
  cpu_cores: 1,
  preemptible: false,
  ram_gb: 1,
  disk_gb: 1,
  zones: ['us-west-1'],
};

describe.each(KINDS)('on %s', (kind) => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await startStage(kind, '');
  });

  afterAll(async () => {
    await stage.stop();
  });

  it(
    `S1.66: ${String(TASKS)} tasks of ${String(CALLERS)} callers are COMPLETE, each run once`,
    { timeout: END_LIMIT_MS + 60_000 },
    async () => {
      const { tes } = stage.server;
      const command = ['sh', '-c', 'mktemp /marks/ran.XXXXXX'];
      const task = { resources, executors: [{ image: 'ubuntu', command }] };
      const call = async (): Promise<readonly string[]> => {
        const ids: string[] = [];
        while (ids.length < TASKS / CALLERS) ids.push(await tes.create(task));
        return ids;
      };
      const ids = (await Promise.all(Array.from({ length: CALLERS }, call))).flat();
      expect(new Set(ids).size).toBe(TASKS);
      const end = performance.now() + END_LIMIT_MS;
      const left: string[] = [];
      for (const id of ids) {
        const { state } = await tes.ended(id, Math.max(1, end - performance.now()));
        if (state !== 'COMPLETE') left.push(`${id} ${String(state)}`);
      }
      expect(left).toEqual([]);
      expect(readdirSync(stage.site.marks)).toHaveLength(TASKS);
    },
  );
});
