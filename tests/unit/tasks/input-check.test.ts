import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { runOf } from '../../../src/tasks/attempts.ts';
import { buildPlan } from '../../../src/tasks/build-plan.ts';
import { checkIn, withoutCheck } from '../../../src/tasks/input-check.ts';
import type { ObjectStorage } from '../../../src/tasks/ports/object-storage.ts';
import { readInput } from '../../../src/tasks/relay.ts';
import { createDesk, signal } from '../../support/dispatcher/desk.ts';
import { NOBODY } from '../../../src/tasks/grants.ts';
import { storedTask } from '../../support/tasks.ts';

const SHA = 'aB'.repeat(32);
const CHECK = `#sha256=${SHA}`;

describe('the digest in a URL', () => {
  it('is taken from its end, and the URL is told without secrets', () => {
    expect(checkIn(`https://me:pw@h/a?sig=x${CHECK}`)).toEqual({
      sha256: SHA.toLowerCase(),
      url: 'https://h/a',
    });
    expect(withoutCheck(`https://me:pw@h/a?sig=x${CHECK}`)).toBe('https://me:pw@h/a?sig=x');
  });

  it.each(['/a', '/a#b', '/a#sha256=12', `/a${CHECK}0`, `/a${CHECK}/b`, `/a#md5=${SHA}`])(
    'is not seen in %s, which may be a name',
    (url) => {
      expect(checkIn(url)).toBeUndefined();
      expect(withoutCheck(url)).toBe(url);
    },
  );
});

describe('a plan', () => {
  it('has the digest beside the URL, and none for content', async () => {
    const desk = await createDesk();
    const content = { content_bytes: 1, url: `https://h/c${CHECK}` };
    const inputs = [{ url: `/a${CHECK}` }, { url: `https://h/b${CHECK}` }, content, { url: '/d' }];
    const { spec } = storedTask({
      spec: { inputs: inputs.map((input, i) => ({ path: `/w/${String(i)}`, ...input })) },
    });
    const { job } = runOf(await desk.at('run'));
    const { destination, rules } = desk.deps;
    const plan = buildPlan({
      job,
      spec,
      caller: NOBODY,
      contents: new Map([[2, 'x']]),
      destination,
      rules,
    });
    const check = (url: string) => ({ check: { sha256: SHA.toLowerCase(), url } });
    expect(plan.inputs).toEqual([
      { i: 0, path: '/w/0', type: 'FILE', method: 'mount', files: ['/a'], ...check('/a') },
      {
        ...{ i: 1, path: '/w/1', type: 'FILE', method: 'direct', url: 'https://h/b' },
        ...check('https://h/b'),
      },
      { i: 2, path: '/w/2', type: 'FILE', method: 'content', content: 'x' },
      { i: 3, path: '/w/3', type: 'FILE', method: 'mount', files: ['/d'] },
    ]);
    await desk.close();
  });
});

describe('an input that the server moves', () => {
  it('is read by its URL without the digest', async () => {
    const desk = await createDesk();
    const inputs = [{ path: '/w/a', url: `s3://b/a${CHECK}` }];
    const task = await desk.at('run', { wish: { spec: { inputs } } });
    const asked: string[] = [];
    const storage = {
      read(url: string) {
        asked.push(url);
        return Promise.resolve({ body: Readable.from(['x']), start: 0 });
      },
    } as unknown as ObjectStorage;
    const place = { job: runOf(task).job, task: task.id, index: 0, below: [] };
    const { store, deps } = desk;
    await readInput({ store, box: deps.box, storageOf: () => storage, directOf: () => [] }, place, {
      signal,
    });
    expect(asked).toEqual(['s3://b/a']);
    await desk.close();
  });
});
