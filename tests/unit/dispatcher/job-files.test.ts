/** What a job is sent: its plan alone holds the secrets of its task. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import { jobSetupOf } from '../../../src/dispatcher/job-files.ts';
import { prepareStep } from '../../../src/dispatcher/submit-step.ts';
import { claimed } from '../../../src/tasks/attempts.ts';
import { sealSecrets } from '../../../src/tasks/task-secrets.ts';
import type { Task } from '../../../src/tasks/task.ts';
import { createDesk, EPOCH, signal, type Desk } from '../../support/dispatcher/desk.ts';
import { newTask } from '../../support/tasks.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

const URL_WITH_SECRETS = 'https://user:hush@example.org/x?token=hush';

const claimedTask = async (): Promise<Task> => {
  const given = newTask({ spec: { inputs: [{ url: URL_WITH_SECRETS, path: '/x' }] } });
  const { spec, partsFor } = sealSecrets(desk.deps.box, given.spec, undefined);
  const task = { ...given, spec };
  await desk.store.create(task, [], { signal, partsFor });
  const slots = { cores: 1, ram_bytes: 0 };
  const claim = { destination: 'local', epoch: EPOCH, slots, now: desk.clock.now() };
  return desk.write(await desk.get(task.id), claimed(await desk.get(task.id), claim));
};

describe('the files of a job', () => {
  it('hold the URLs as the client gave them, in the plan', async () => {
    const task = await claimedTask();
    expect(JSON.stringify(task)).not.toContain('hush');
    let plan = '';
    await desk.step(task.id, async (input) => {
      const { files } = await jobSetupOf(input);
      plan = Buffer.from(files.at(-1)?.bytes ?? []).toString();
      return 'again';
    });
    expect((JSON.parse(plan) as { inputs: unknown }).inputs).toMatchObject([
      { method: 'direct', url: URL_WITH_SECRETS },
    ]);
  });

  it('are not made with another install secret: the task ends and says why', async () => {
    const task = await claimedTask();
    await desk.step(task.id, (input) =>
      prepareStep({ ...input, deps: { ...input.deps, box: createSecretBox('another') } }),
    );
    const { head } = await desk.get(task.id);
    expect(head.state).toBe('SYSTEM_ERROR');
    expect(head.log.at(-1)?.reason).toMatch(/^SECRET_UNREADABLE: .* another install secret/);
    expect(desk.transport.changes).toEqual([]);
  });
});
