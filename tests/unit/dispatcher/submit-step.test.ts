/** What becomes of a job that was perhaps sent: above all, none is sent a second time that may have started. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareStep, resumeSubmitStep } from '../../../src/dispatcher/submit-step.ts';
import { DEFAULT_TIMING, MAX_TRIES } from '../../../src/dispatcher/timing.ts';
import { redone, runOf } from '../../../src/tasks/attempts.ts';
import type { PulsarStatus } from '../../../src/tasks/ports/job-transport.ts';
import { createDesk, type Desk } from '../../support/dispatcher/desk.ts';
import { refused, unreachable } from '../../support/dispatcher/fake-transport.ts';

let desk: Desk;

beforeEach(async () => {
  desk = await createDesk();
});

afterEach(async () => {
  await desk.close();
});

describe('prepare', () => {
  it('records that the job is sent before it is sent, and then that it runs', async () => {
    const { id } = await desk.at('prepare');
    let recorded: string | undefined;
    desk.transport.onSubmit = async () => {
      recorded = (await desk.get(id)).head.run?.point;
    };
    await desk.step(id, prepareStep);
    expect(recorded).toBe('submit');
    const { head } = await desk.get(id);
    expect(head.run?.point).toBe('run');
    expect(desk.transport.changes).toEqual([`submit ${head.run?.job ?? ''}`]);
  });

  it('sends nothing once there is a wish to cancel', async () => {
    const task = await desk.at('prepare');
    await desk.wish(task);
    expect(await desk.step(task.id, prepareStep)).toBe('again');
    expect(desk.transport.changes).toEqual([]);
  });

  it('stays at `submit` when nobody can tell whether the job arrived', async () => {
    const { id } = await desk.at('prepare');
    desk.transport.failing.set('submit', unreachable);
    await desk.step(id, prepareStep);
    expect((await desk.get(id)).head.run?.point).toBe('submit');
  });

  it('ends a task whose data no method moves', async () => {
    await desk.close();
    desk = await createDesk({ reach: { shared_filesystem: false, direct: [], push: false } });
    const waiting = await desk.at('prepare');
    const spec = { ...waiting.spec, inputs: [{ url: 'file:///a', path: '/a' }] };
    await desk.step(waiting.id, (input) =>
      prepareStep({ ...input, task: { ...input.task, spec } }),
    );
    expect((await desk.get(waiting.id)).head).toMatchObject({ state: 'SYSTEM_ERROR', debts: [] });
    expect(desk.transport.changes).toEqual([]);
  });
});

type Deed = 'sent again' | 'followed' | 'new job';

describe('a resumed submit', () => {
  const deedOf = async (before: { job: string }, id: Parameters<Desk['get']>[0]): Promise<Deed> => {
    const run = runOf(await desk.get(id));
    if (desk.transport.changes.includes(`submit ${before.job}`)) return 'sent again';
    expect(desk.transport.changes).toEqual([]);
    return run.job === before.job ? 'followed' : 'new job';
  };

  it('ends a task whose data no method moves any more, and owes the end of what was sent', async () => {
    await desk.close();
    desk = await createDesk({ reach: { shared_filesystem: false, direct: [], push: false } });
    const { id, spec, head } = await desk.at('submit');
    const job = head.run?.job ?? '';
    desk.transport.jobs.set(job, { status: 'preprocessing', final: false });
    const moved = { ...spec, inputs: [{ url: 'file:///a', path: '/a' }] };
    const result = await desk.step(id, (input) =>
      resumeSubmitStep({ ...input, task: { ...input.task, spec: moved } }),
    );
    expect(result).toBe('again');
    const after = await desk.get(id);
    expect(after.head.state).toBe('SYSTEM_ERROR');
    expect(after.head.log.at(-1)?.reason).toContain('NO_METHOD');
    expect(after.head.debts).toMatchObject([{ job, do: 'kill' }]);
    expect(desk.transport.changes).toEqual([]);
  });

  it.each<[PulsarStatus, Deed]>([
    ['preprocessing', 'sent again'],
    ['lost', 'new job'],
    ['queued', 'followed'],
    ['running', 'followed'],
    ['postprocessing', 'followed'],
    ['complete', 'followed'],
    ['cancelled', 'followed'],
    ['failed', 'followed'],
    ['unknown', 'followed'],
  ])('of a job that Pulsar calls %s, without any trace of a start: %s', async (status, deed) => {
    const task = await desk.at('submit');
    const run = runOf(task);
    desk.transport.jobs.set(run.job, { status, final: status === 'lost' });
    await desk.step(task.id, resumeSubmitStep);
    expect(await deedOf(run, task.id)).toBe(deed);
  });

  it.each<[PulsarStatus, { readonly inbox?: object; readonly heartbeat?: string }]>([
    ['preprocessing', { inbox: { started: 1 } }],
    ['preprocessing', { inbox: { executing: 1 } }],
    ['lost', { inbox: { started: 1 } }],
    ['lost', { inbox: { executing: 1 } }],
    ['preprocessing', { heartbeat: '{"phase":"preflight"}' }],
    ['lost', { heartbeat: '{"phase":"preflight"}' }],
  ])(
    'of a job that Pulsar calls %s but that gave a sign (%j) is followed',
    async (status, sign) => {
      const task = await desk.at('submit', { inbox: sign.inbox ?? {} });
      const run = runOf(task);
      desk.transport.jobs.set(run.job, { status, final: false });
      if (sign.heartbeat !== undefined) {
        desk.transport.files.set(`${run.job}/tes/heartbeat.json`, sign.heartbeat);
      }
      await desk.step(task.id, resumeSubmitStep);
      expect(await deedOf(run, task.id)).toBe('followed');
      expect(runOf(await desk.get(task.id)).point).toBe('run');
    },
  );

  it('of a lost job waits while nobody can look for its heartbeat', async () => {
    const task = await desk.at('submit');
    desk.transport.failing.set('download', unreachable);
    expect(await desk.step(task.id, resumeSubmitStep)).toMatchObject({ waitMs: 125 });
    expect(await desk.get(task.id)).toEqual(task);
  });

  it.each(['status', 'download'] as const)('waits while %s gets no answer', async (method) => {
    const task = await desk.at('submit');
    desk.transport.jobs.set(runOf(task).job, { status: 'preprocessing', final: false });
    desk.transport.failing.set(method, unreachable);
    expect(await desk.step(task.id, resumeSubmitStep)).toMatchObject({ waitMs: 125 });
    expect(desk.transport.changes).toEqual([]);
    expect(await desk.get(task.id)).toEqual(task);
  });

  it('of a lost job owes a kill of it before the next job id', async () => {
    const task = await desk.at('submit');
    await desk.step(task.id, resumeSubmitStep);
    const { head } = await desk.get(task.id);
    expect(head.run).toMatchObject({ n: 1, try: 2, point: 'prepare' });
    expect(head.debts).toMatchObject([{ do: 'kill', job: runOf(task).job }]);
  });

  it('gives up after the last job id: the task waits for another attempt once the kill is confirmed', async () => {
    let task = await desk.at('submit');
    for (let n = 1; n < MAX_TRIES; n += 1) {
      const again = redone(task, desk.clock.now());
      task = await desk.write(task, { ...again, run: { ...again.run!, point: 'submit' } });
    }
    await desk.step(task.id, resumeSubmitStep);
    const { head } = await desk.get(task.id);
    expect(head).toMatchObject({ state: 'INITIALIZING', ready: false });
    expect(head.run).toBeUndefined();
  });

  it('of a job that Pulsar refuses is tried for a while, then the refusal is the reason', async () => {
    const task = await desk.at('submit');
    const { job } = runOf(task);
    desk.transport.jobs.set(job, { status: 'preprocessing', final: false });
    desk.transport.failing.set('submit', refused);
    await desk.step(task.id, resumeSubmitStep);
    desk.transport.jobs.delete(job);
    await desk.step(task.id, resumeSubmitStep);
    expect(desk.transport.changes).toEqual([`submit ${job}`, `submit ${job}`]);
    await desk.clock.advance(DEFAULT_TIMING.startMs);
    await desk.step(task.id, resumeSubmitStep);
    const { head } = await desk.get(task.id);
    expect(head.attempts[0]?.reason).toBe('Pulsar does not take the job: no');
  });
});
