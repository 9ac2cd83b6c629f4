/** Reading a task when it is worth it: `Prefer: wait=N` (RFC 7240) and the FULL view that waits for a fresh task. */
import { Agent, get, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApiDeps } from '../../../src/api/app.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';
import { until } from '../../support/until.ts';
import type { Answer, Harness } from './harness.ts';
import { startHarness } from './harness.ts';

const started: Harness[] = [];
afterEach(async () => {
  for (const h of started.splice(0)) await h.close();
});

/** A server whose reads of summaries and listeners are counted, on a clock that only the test moves. */
const start = async (change: Partial<ApiDeps> = {}) => {
  const clock = createVirtualClock();
  const counts = { reads: 0, listeners: 0 };
  const h = await startHarness((deps) => ({
    clock,
    store: {
      ...deps.store,
      summary: (...args) => {
        counts.reads += 1;
        return deps.store.summary(...args);
      },
    },
    changes: {
      subscribe: (listener) => {
        counts.listeners += 1;
        return deps.changes.subscribe(listener);
      },
    },
    ...change,
  }));
  started.push(h);
  const wait = (id: string, prefer: string, query = ''): Promise<Answer> =>
    h.call(`tasks/${id}${query}`, { headers: { prefer } });
  const move = (id: string, state: 'RUNNING' | 'COMPLETE') => h.change(id, () => ({ state }));
  return { h, clock, counts, wait, move };
};

describe('Prefer: wait', () => {
  it('answers when the state changes, in any view, and says what was applied', async () => {
    const { h, clock, wait, move } = await start();
    const id = await h.create();
    const answers = [wait(id, 'wait=20'), wait(id, 'wait=20', '?view=BASIC')];
    await clock.untilSleeping();
    await move(id, 'RUNNING');
    const [minimal, basic] = await Promise.all(answers);
    expect(minimal?.json).toEqual({ id, state: 'RUNNING' });
    expect(minimal?.headers.get('preference-applied')).toBe('wait=20');
    expect(basic?.json).toMatchObject({ id, state: 'RUNNING', executors: [{ image: 'alpine' }] });
  });

  it('answers with the unchanged state when the time is up', async () => {
    const { h, clock, wait } = await start();
    const id = await h.create();
    const answer = wait(id, 'respond-async, wait="7"; x=y');
    await clock.untilSleeping();
    await clock.advance(7000);
    expect((await answer).json).toEqual({ id, state: 'QUEUED' });
    expect((await answer).headers.get('preference-applied')).toBe('wait=7');
  });

  it('answers at once for a task that has ended, is unknown, or when nothing understandable is preferred', async () => {
    const { h, wait, move } = await start();
    const id = await h.create();
    for (const prefer of ['wait', 'wait=', 'wait=-1', 'wait=1.5', 'await=3', 'return=minimal']) {
      const answer = await wait(id, prefer);
      expect(answer.json).toEqual({ id, state: 'QUEUED' });
      expect(answer.headers.get('preference-applied')).toBeNull();
    }
    expect((await wait(id, 'wait=0')).headers.get('preference-applied')).toBe('wait=0');
    expect((await wait('00000000000000000000000000', 'wait=9')).status).toBe(404);
    await move(id, 'COMPLETE');
    expect((await wait(id, 'wait=9')).json).toEqual({ id, state: 'COMPLETE' });
  });

  it('is bounded to a minute', async () => {
    const { h, clock, wait } = await start();
    const answer = wait(await h.create(), 'wait=86400');
    await clock.untilSleeping();
    await clock.advance(60_000);
    expect((await answer).headers.get('preference-applied')).toBe('wait=60');
  });

  it('ends with the connection of the client', async () => {
    const { h, clock, counts, move } = await start();
    const id = await h.create();
    const controller = new AbortController();
    const { signal } = controller;
    const sent = fetch(`${h.root}/v1/tasks/${id}`, { headers: { prefer: 'wait=60' }, signal });
    await clock.untilSleeping();
    controller.abort();
    await sent.catch(() => undefined);
    const gone = () => h.logs.some(({ fields }) => fields['code'] === 'ABORTED');
    await until(gone, { what: 'the end of the request' });
    const { reads } = counts;
    await move(id, 'RUNNING');
    await h.call(`tasks/${id}`);
    expect(counts.reads).toBe(reads + 1); // the one of the last line
  });

  it('ends when the server drains, with an answer and the end of the connection', async () => {
    const { h, clock, wait } = await start();
    const id = await h.create();
    const answer = wait(id, 'wait=60');
    await clock.untilSleeping();
    h.api.drain();
    expect((await answer).json).toEqual({ id, state: 'QUEUED' });
    expect((await answer).headers.get('connection')).toBe('close');
  });

  it('costs one listener for 1,000 who wait, and nothing while other tasks change', async () => {
    const { h, clock, counts, move } = await start();
    const agent = new Agent({ keepAlive: true });
    const [id, other] = [await h.create(), await h.create()];
    const one = () =>
      new Promise<IncomingMessage>((resolve, reject) => {
        const options = { agent, headers: { prefer: 'wait=60' } };
        get(`${h.root}/v1/tasks/${id}`, options, resolve).on('error', reject);
      });
    const waiting = Array.from({ length: 1000 }, one);
    await until(() => counts.reads === 1000, { what: 'the requests', timeoutMs: 60_000 });
    await clock.untilSleeping();
    for (const state of ['RUNNING', 'COMPLETE'] as const) await move(other, state);
    await clock.advance(59_999);
    expect(counts).toEqual({ reads: 1000, listeners: 1 });
    await move(id, 'COMPLETE');
    for (const answer of await Promise.all(waiting)) {
      expect(answer.statusCode).toBe(200);
      answer.resume();
    }
    expect(counts.reads).toBe(3000); // each looks again and answers
    agent.destroy();
  });
});

describe('the FULL view of a fresh task', () => {
  it('waits for the end where that is wanted, other views do not', async () => {
    const { h, clock, move } = await start({ settleMs: 5000 });
    const id = await h.create();
    const full = h.call(`tasks/${id}?view=FULL`);
    await clock.untilSleeping();
    expect((await h.call(`tasks/${id}?view=BASIC`)).json).toMatchObject({ state: 'QUEUED' });
    await move(id, 'RUNNING');
    await move(id, 'COMPLETE');
    expect((await full).json).toMatchObject({ state: 'COMPLETE' });
    expect((await full).headers.get('preference-applied')).toBeNull();
  });

  it('waits no longer than so many seconds after the creation', async () => {
    const { h, clock } = await start({ settleMs: 5000 });
    const id = await h.create();
    await clock.advance(4000);
    const full = h.call(`tasks/${id}?view=FULL`);
    await clock.untilSleeping();
    await clock.advance(1000);
    expect((await full).json).toMatchObject({ state: 'QUEUED' });
    expect((await h.call(`tasks/${id}?view=FULL`)).json).toMatchObject({ state: 'QUEUED' });
    expect((await h.call('tasks/00000000000000000000000000?view=FULL')).status).toBe(404);
  });

  it('does not wait by default', async () => {
    const { h } = await start();
    const id = await h.create();
    expect((await h.call(`tasks/${id}?view=FULL`)).json).toMatchObject({ state: 'QUEUED' });
  });
});
