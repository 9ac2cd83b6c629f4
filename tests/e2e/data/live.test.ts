/** Folders below a live root: tasks work in them where they lie, as Toil's job store needs (C28). */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStage, type Stage } from '../../support/server/on-engine.ts';
import type { WireTask } from '../../support/server/tes-client.ts';
import { until } from '../../support/until.ts';

const sh = (script: string) => ({ image: 'any', command: ['sh', '-c', script] });
const systemLogsOf = (task: WireTask): string => (task.logs?.[0]?.system_logs ?? []).join('\n');

describe.each(['bubblewrap', 'podman', 'docker'] as const)('on %s', (kind) => {
  let root: string;
  let store: string;
  let stage: Stage;

  beforeAll(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'live-')));
    store = join(root, 'job store');
    mkdirSync(store);
    for (const path of [root, store]) chmodSync(path, 0o777);
    stage = await startStage(
      kind,
      `[[storage.file.roots]]\npath = "${root}"\nmode = "rw"\nlive = true\nallow = ["*"]\n`,
    );
  });

  afterAll(async () => {
    await stage.stop();
    rmSync(root, { recursive: true });
  });

  const start = (script: string) =>
    stage.server.tes.create({
      inputs: [
        { url: `file://${encodeURI(store)}`, path: store, type: 'DIRECTORY' },
        { content: 'beside', path: '/data/beside' },
      ],
      executors: [sh(`cd '${store}'; ${script}`)],
    });
  const read = (name: string): string => readFileSync(join(store, name), 'utf8');

  it('C28: tasks see at once what others write, and all of it stays', async () => {
    const waiting = await start('touch waits; until test -e go; do sleep 0.1; done; cat go > seen');
    const hasBegun = () => existsSync(join(store, 'waits'));
    await until(hasBegun, { timeoutMs: 30_000, what: 'the first task to write' });
    const other = await stage.server.tes.ended(await start('echo gone > part; mv part go'), 60_000);
    expect(other.state, systemLogsOf(other)).toBe('COMPLETE');
    const task = await stage.server.tes.ended(waiting, 60_000);
    expect(task.state, systemLogsOf(task)).toBe('COMPLETE');
    expect(read('seen')).toBe('gone\n');
    expect(systemLogsOf(task)).toContain(`input 0 is live: the task works in ${store}`);
  });
});
