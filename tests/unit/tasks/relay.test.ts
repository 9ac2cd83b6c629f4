/** Whose data the server moves for a job, and with which URL. */
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimed } from '../../../src/tasks/attempts.ts';
import { readInput, writeOutput, type RelayDeps } from '../../../src/tasks/relay.ts';
import type { ObjectStorage } from '../../../src/tasks/ports/object-storage.ts';
import { sealSecrets } from '../../../src/tasks/task-secrets.ts';
import { createDesk, EPOCH, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { newTask } from '../../support/tasks.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

const INPUT = 's3://AK:hush@minio:9000/b/in';
const OUTPUT = 'ftp://user:hush@host/out';

const claimedTask = async () => {
  const given = newTask({
    spec: { inputs: [{ url: INPUT, path: '/i' }], outputs: [{ url: OUTPUT, path: '/o' }] },
  });
  const { spec, partsFor } = sealSecrets(desk.deps.box, given.spec, undefined);
  await desk.store.create({ ...given, spec }, [], { signal, partsFor });
  const slots = { cores: 1, ram_bytes: 0 };
  const claim = { destination: 'local', epoch: EPOCH, slots, now: desk.clock.now() };
  const task = await desk.get(given.id);
  return desk.write(task, claimed(task, claim));
};

const depsWith = (asked: string[]): RelayDeps => ({
  store: desk.store,
  box: desk.deps.box,
  directOf: () => [],
  storageOf: () =>
    ({
      read: (url) => {
        asked.push(url);
        return Promise.resolve({ start: 0, body: Readable.from([]) });
      },
      write: (url) => {
        asked.push(url);
        return Promise.resolve(0);
      },
    }) as Partial<ObjectStorage> as ObjectStorage,
});

describe('data that the server moves', () => {
  it('is read and written with the secrets of its URLs, and refused once the task has ended', async () => {
    const task = await claimedTask();
    const asked: string[] = [];
    const deps = depsWith(asked);
    const { job } = task.head.run ?? {};
    if (job === undefined) throw new Error('no attempt');
    const place = { job, task: task.id, index: 0, below: [] };
    const options = { signal, start: 0 };
    await readInput(deps, place, options);
    await writeOutput(deps, { ...place, below: ['a b'] }, Readable.from([]), { signal });
    expect(asked).toEqual([INPUT, `${OUTPUT}/a%20b`]);
    const { run: _run, ...head } = task.head;
    await desk.write(task, { ...head, state: 'CANCELED', ready: false });
    await expect(readInput(deps, place, options)).rejects.toMatchObject({ code: 'JOB_OVER' });
  });
});
