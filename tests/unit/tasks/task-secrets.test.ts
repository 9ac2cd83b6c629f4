import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretBox } from '../../../src/access/secret-box.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import type { TaskSpec } from '../../../src/tasks/spec.ts';
import { sealSecrets, wholeSpecOf } from '../../../src/tasks/task-secrets.ts';
import type { Part } from '../../../src/tasks/task.ts';
import { storedTask } from '../../support/tasks.ts';

const { signal } = new AbortController();
const box = createSecretBox('x'.repeat(64));
const { id } = storedTask();

const specWith = (inputs: readonly string[], outputs: readonly string[] = []): TaskSpec => ({
  executors: [{ image: 'a', command: ['b'] }],
  inputs: inputs.map((url, n) => ({ url, path: `/in/${String(n)}` })),
  outputs: outputs.map((url, n) => ({ url, path: `/out/${String(n)}` })),
});

const storeWith = (parts: readonly Part[]): Pick<TaskStore, 'parts'> => ({
  parts: (_, kinds) => Promise.resolve(parts.filter(({ kind }) => kinds.includes(kind))),
});

const whole = (spec: TaskSpec, parts: readonly Part[]) =>
  wholeSpecOf({ store: storeWith(parts) as TaskStore, box }, { id, spec }, { signal });

describe('secrets of a task', () => {
  it('are cut from the URLs that have some, and put back', async () => {
    const given = specWith(
      ['https://u:hush@h/a', '/plain', 'https://h/b?token=hush'],
      ['s3://AK:hu/sh@h:9000/b/k', 'file:///out'],
    );
    const { spec, partsFor } = sealSecrets(box, given, undefined);
    expect(spec.inputs?.map(({ url }) => url)).toEqual(['https://h/a', '/plain', 'https://h/b']);
    expect(spec.outputs?.map(({ url }) => url)).toEqual(['s3://h:9000/b/k', 'file:///out']);
    expect(spec.secret_parts).toBe(1);
    const parts = partsFor(id);
    expect(parts).toMatchObject([{ task: id, attempt: 0, kind: 'secret', index: 0 }]);
    expect(JSON.stringify([spec, parts])).not.toMatch(/hu\/?sh/);
    expect(await whole(spec, parts)).toEqual(given);
  });

  it('are any URLs and parameters', async () => {
    const url = fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.string());
    await fc.assert(
      fc.asyncProperty(fc.array(url), fc.array(url), async (inputs, outputs) => {
        const given = specWith(inputs, outputs);
        const { spec, partsFor } = sealSecrets(box, given, { a_secret: 'x' });
        expect(await whole(spec, partsFor(id))).toEqual(given);
      }),
    );
  });

  it('fit into parts below a mebibyte, of which any try of the creation may have written any', async () => {
    const given = specWith(
      Array.from({ length: 800 }, (_, n) => `https://h/${String(n)}?sig=${'ü✓'.repeat(400)}`),
    );
    const one = sealSecrets(box, given, { b_secret: '1', a_secret: '2' });
    const two = sealSecrets(box, given, { a_secret: '2', b_secret: '1' });
    const [first, second] = [one.partsFor(id), two.partsFor(id)];
    expect(first.length).toBeGreaterThan(2);
    for (const { text } of first) expect(text.length).toBeLessThan(1024 * 1024);
    const mixed = first.map((part, n) => (n % 2 === 0 ? part : (second[n] ?? part)));
    expect(await whole(one.spec, mixed)).toEqual(given);
  });

  it('are none in a task without any, nor in one of an earlier version', async () => {
    const given = specWith(['/a', 'https://h/b']);
    const { spec, partsFor } = sealSecrets(box, given, undefined);
    expect(spec).toEqual(given);
    expect(partsFor(id)).toEqual([]);
    const old = specWith(['https://u:p@h/a?b']);
    expect(await whole(old, [])).toEqual(old);
  });

  it('are never left out: without its parts the task is not to be had', async () => {
    const { spec, partsFor } = sealSecrets(box, specWith(['https://u:p@h/a']), undefined);
    await expect(whole(spec, [])).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
    const [part] = partsFor(storedTask().id);
    const moved = part === undefined ? [] : [{ ...part, task: id }];
    await expect(whole(spec, moved)).rejects.toMatchObject({ code: 'SECRET_UNREADABLE' });
  });
});
