/** Requests that are sent again: Idempotency-Key, and bodies recognised within seconds (C7, T14). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDeps } from '../../../src/api/app.ts';
import { createDeferred } from '../../../src/kernel/deferred.ts';
import { systemClock } from '../../../src/kernel/clock.ts';
import { parseOwnerId } from '../../../src/tasks/ids.ts';
import type { Answer, Harness } from './harness.ts';
import { idOf, listedIn, MINIMAL_TASK, startHarness } from './harness.ts';

let h: Harness;
const others: Harness[] = [];
beforeAll(async () => {
  h = await startHarness();
});
afterEach(async () => {
  for (const other of others.splice(0)) await other.close();
});
afterAll(() => h.close());

const start = async (change: Parameters<typeof startHarness>[0]): Promise<Harness> => {
  const other = await startHarness(change);
  others.push(other);
  return other;
};

const post = (to: Harness, key: string | undefined, body: unknown): Promise<Answer> =>
  to.call('tasks', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const named = (name: string) => ({ ...MINIMAL_TASK, name });

const countOf = async (to: Harness, name: string): Promise<number> =>
  listedIn(await to.call(`tasks?name_prefix=${name}`)).tasks.length;

describe('Idempotency-Key', () => {
  it('answers the same id to the same key and body, also under another prefix and with members in another order', async () => {
    const first = await post(h, 'one', named('first'));
    expect(first.status).toBe(200);
    const { executors } = MINIMAL_TASK;
    for (const body of [
      named('first'),
      { name: 'first', executors },
      JSON.stringify(named('first'), undefined, 2),
    ]) {
      const again = await post(h, 'one', body);
      expect([again.status, again.text]).toEqual([200, first.text]);
    }
    expect(await countOf(h, 'first')).toBe(1);
  });

  it('refuses the same key with another body by 422', async () => {
    await post(h, 'two', named('second'));
    const other = await post(h, 'two', named('second-other'));
    expect(other.status).toBe(422);
    expect(other.json).toMatchObject({ code: 'KEY_REUSED' });
    expect(await countOf(h, 'second')).toBe(1);
  });

  it('belongs to its owner: another one may use the same, with any body', async () => {
    const authenticate: ApiDeps['access']['authenticate'] = ({ authorization = '' }) => {
      const owner = parseOwnerId(authorization);
      return Promise.resolve({
        owner,
        memberOf: [],
        groups: [],
        scope: { owner },
        readOnly: false,
      });
    };
    const other = await start((deps) => ({ access: { ...deps.access, authenticate } }));
    const as = (authorization: string, body: object) =>
      other.call('tasks', {
        method: 'POST',
        headers: { authorization, 'idempotency-key': 'k', 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const ann = idOf(await as('ann', MINIMAL_TASK));
    const bob = idOf(await as('bob', named('of bob')));
    expect(bob).not.toBe(ann);
    expect(idOf(await as('ann', MINIMAL_TASK))).toBe(ann);
    expect((await as('ann', named('of bob'))).status).toBe(422);
  });

  it('leaves a key free whose first body was refused', async () => {
    expect((await post(h, 'three', {})).status).toBe(400);
    expect((await post(h, 'three', named('third'))).status).toBe(200);
  });

  it.each(['', 'x'.repeat(256)])('refuses a key of no or too many characters', async (key) => {
    const answer = await post(h, key, MINIMAL_TASK);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ details: [{ field: 'Idempotency-Key' }] });
  });

  it('answers 409 while the first is still worked on, and the id afterwards', async () => {
    const asked = createDeferred<void>();
    const go = createDeferred<void>();
    const other = await start((deps) => ({
      store: {
        ...deps.store,
        create: async (task, parts, options) => {
          asked.resolve();
          await go.promise;
          return deps.store.create(task, parts, options);
        },
      },
    }));
    const first = post(other, 'k', MINIMAL_TASK);
    await asked.promise;
    const second = await post(other, 'k', MINIMAL_TASK);
    expect(second.status).toBe(409);
    expect(second.json).toMatchObject({ code: 'KEY_IN_USE' });
    expect(second.headers.get('retry-after')).toBe('1');
    go.resolve();
    const id = idOf(await first);
    expect(idOf(await post(other, 'k', MINIMAL_TASK))).toBe(id);
  });

  it('is free again after a failure, and after 24 hours', async () => {
    let now = Date.now();
    let failing = true;
    const other = await start((deps) => ({
      clock: { ...systemClock, now: () => now },
      store: {
        ...deps.store,
        create: (task, parts, options) =>
          failing
            ? Promise.reject(new Error('disk full'))
            : deps.store.create(task, parts, options),
      },
    }));
    expect((await post(other, 'k', MINIMAL_TASK)).status).toBe(500);
    failing = false;
    const id = idOf(await post(other, 'k', MINIMAL_TASK));
    now += 24 * 3_600_000 - 1;
    expect(idOf(await post(other, 'k', MINIMAL_TASK))).toBe(id);
    now += 1;
    expect(idOf(await post(other, 'k', MINIMAL_TASK))).not.toBe(id);
  });
});

describe('bodies sent again within seconds', () => {
  it('T14: make tasks of their own by default', async () => {
    expect(await h.create()).not.toBe(await h.create());
  });

  it('C7: make one task within the configured time, each other body its own', async () => {
    let now = Date.now();
    const other = await start(() => ({
      clock: { ...systemClock, now: () => now },
      repeatWindowMs: 30_000,
    }));
    const copies = await Promise.all(
      ['/ga4gh/tes/v1/tasks', '/v1/tasks', '/tasks'].map((path) => other.post(named('copy'), path)),
    );
    const [id = ''] = copies.map(idOf);
    expect(new Set(copies.map(({ text }) => text)).size).toBe(1);
    expect(idOf(await post(other, undefined, named('different')))).not.toBe(id);
    expect(idOf(await post(other, 'a key', named('copy')))).not.toBe(id);
    now += 29_999;
    expect(idOf(await other.post(named('copy')))).toBe(id);
    now += 1;
    expect(idOf(await other.post(named('copy')))).not.toBe(id);
  });
});
