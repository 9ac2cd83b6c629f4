import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../../src/kernel/errors.ts';
import { LIMITS } from '../../../../src/tasks/validation/limits.ts';
import { badTask, readTask, type WireTask } from '../../../../src/tasks/validation/read-task.ts';

/** Without a schema: the rules of src/tasks alone. */
const rules = {
  schema: (body: unknown) => ({ task: body as WireTask }),
  backendParameters: ['destination'],
  contentBytes: 8,
};

const EXECUTORS = [{ image: 'a', command: ['b'] }];

const refusal = (body: unknown): MagnetarError => {
  try {
    readTask(body, rules);
  } catch (error) {
    if (error instanceof MagnetarError) return error;
  }
  throw new Error('was not refused');
};

describe('readTask', () => {
  it('splits the content off, counted in UTF-8', () => {
    const inputs = [
      { path: '/a', content: 'ä€' },
      { path: '/b', url: '/x', content: '' },
    ];
    const { spec, contents } = readTask({ executors: EXECUTORS, inputs }, rules);
    expect(spec.inputs).toEqual([
      { path: '/a', content_bytes: 5 },
      { path: '/b', url: '/x' },
    ]);
    expect(contents).toEqual([{ index: 0, text: 'ä€' }]);
  });

  it('keeps what the schema says first, one problem for each field', () => {
    const schema = () => ({ problems: [{ field: 'executors', message: 'from the schema' }] });
    expect(() => readTask({ executors: [] }, { ...rules, schema })).toThrow('from the schema');
  });

  it('asks for all problems of usual bodies and the first of huge ones', () => {
    const asked: boolean[] = [];
    const schema = (body: unknown, thorough: boolean) => {
      asked.push(thorough);
      return { task: body as WireTask };
    };
    readTask({ executors: EXECUTORS }, { ...rules, schema });
    const volumes = Array<string>(900).fill('/v');
    const foo = Array<number>(LIMITS.thoroughValues).fill(1);
    readTask({ executors: EXECUTORS, volumes, foo }, { ...rules, schema });
    expect(asked).toEqual([true, false]);
  });

  it.each([
    [
      'content over the configured bound',
      { inputs: [{ path: '/a', content: 'ä€ä€' }] },
      'inputs[0].content',
    ],
    [
      'a map that is too large',
      { tags: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [String(n), ''])) },
      'tags',
    ],
    ['half a surrogate pair', { description: '\ud83d' }, 'description'],
    ['a long tag key', { tags: { ['k'.repeat(1025)]: '' } }, `tags.${'k'.repeat(64)}`],
  ])('refuses %s', (_what, fields, field) => {
    expect(refusal({ executors: EXECUTORS, ...fields }).details.map((one) => one.field)).toContain(
      field,
    );
  });

  it('lists no more than the bound of problems', () => {
    const inputs = Array<object>(500).fill({ path: 'relative', content: '' });
    expect(refusal({ executors: EXECUTORS, inputs }).details).toHaveLength(LIMITS.problems);
  });

  it.each([undefined, null, 'x', 1, []])('refuses %j as a body', (body) => {
    expect(refusal(body).message).toContain('JSON object');
  });
});

describe('badTask', () => {
  it('says the first problem and how many follow', () => {
    const problems = [
      { field: 'a', message: 'is x' },
      { field: 'b', message: 'is y' },
    ];
    expect(badTask(problems).message).toBe('a is x (and 1 more problems)');
    expect(badTask([]).message).toBe('the task is not valid');
  });
});
