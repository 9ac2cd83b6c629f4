/** Whatever JSON a client sends to create, the answer is 200, 400 or 403 in the right shape: never a 500. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TASK_SHAPE } from '../../../src/generated/task-shape.ts';
import type { Shape } from '../../../src/tasks/validation/shape.ts';
import { idOf, startHarness, type Harness } from './harness.ts';

let h: Harness;
beforeAll(async () => {
  h = await startHarness();
});
afterAll(() => h.close());

const RUNS = 400;

const words = fc.constantFrom(
  ...['', '/', '/a', '/a/*', '..', 'alpine', 'FILE', 'DIRECTORY', 'file:///etc/passwd', 's3://x/y'],
  ...['http://127.0.0.1/', 'http://[', '\0', '\ud800', '__proto__', 'a=b', '%zz', '/proc/x'],
);

const leaf = fc.oneof(
  words,
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.jsonValue({ maxDepth: 2 }),
  fc.double(),
  fc.boolean(),
);

/** Values that mostly follow the outline of a task, and sometimes do not. */
const likeShape = (shape: Shape): fc.Arbitrary<unknown> => {
  if (shape.items !== undefined) {
    return fc.oneof(
      { weight: 9, arbitrary: fc.array(likeShape(shape.items), { maxLength: 3 }) },
      leaf,
    );
  }
  if (shape.values === true)
    return fc.oneof(fc.dictionary(leaf.map(String), leaf, { maxKeys: 3 }), leaf);
  if (shape.fields === undefined) return leaf;
  const fields = Object.fromEntries(
    Object.entries(shape.fields).map(([name, below]) => [name, likeShape(below)]),
  );
  return fc.oneof({ weight: 9, arbitrary: fc.record(fields, { requiredKeys: [] }) }, leaf);
};

const ALLOWED = [200, 400, 403];

describe('arbitrary bodies', () => {
  it('T43, T47: any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (body) => {
        expect(ALLOWED).toContain((await h.post(body)).status);
      }),
      { numRuns: RUNS },
    );
  });

  it('T47: bodies like tasks; what is accepted can be read in every view', async () => {
    const executors = fc.constant([{ image: 'alpine', command: ['x'] }]);
    const body = fc
      .tuple(likeShape(TASK_SHAPE), fc.option(executors))
      .map(([task, given]) =>
        given === null || typeof task !== 'object' ? task : { ...task, executors: given },
      );
    await fc.assert(
      fc.asyncProperty(body, async (task) => {
        const answer = await h.post(task);
        expect(ALLOWED).toContain(answer.status);
        if (answer.status !== 200) return;
        const id = idOf(answer);
        expect((await h.call(`tasks/${id}?view=BASIC`)).status).toBe(200);
        expect((await h.call(`tasks/${id}?view=FULL`)).status).toBe(200);
      }),
      { numRuns: RUNS },
    );
  });

  it('any query of a list is 200 or 400', async () => {
    const names = fc.constantFrom(
      'view',
      'state',
      'page_size',
      'page_token',
      'tag_key',
      'tag_value',
      'name_prefix',
      'x',
    );
    const query = fc.array(fc.tuple(names, fc.oneof(words, fc.string({ unit: 'binary' }))), {
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(query, async (pairs) => {
        const text = new URLSearchParams(pairs).toString();
        expect([200, 400]).toContain((await h.call(`tasks?${text}`)).status);
      }),
      { numRuns: RUNS },
    );
  });
});
