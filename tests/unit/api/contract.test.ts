import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadContract } from '../../../src/api/contract.ts';
import { fieldProblem } from '../../../src/api/schema-problems.ts';

const GENERATE = fileURLToPath(new URL('../../../scripts/generate.mjs', import.meta.url));

describe('contract', () => {
  const { taskSchema } = loadContract();

  it('what is generated from openapi/ is up to date', () => {
    expect(execFileSync(process.execPath, [GENERATE, '--check'], { encoding: 'utf8' })).toBe('');
  });

  it('accepts a task and names each problem of another', () => {
    const task = { executors: [{ image: 'a', command: ['b'] }] };
    expect(taskSchema(task, true)).toEqual({ task });
    const bad = { executors: [{ command: ['a', 1] }], inputs: [{ path: 1, type: 'LINK' }] };
    expect(taskSchema(bad, true)).toEqual({
      problems: expect.arrayContaining([
        { field: 'executors[0].image', message: 'is required' },
        { field: 'executors[0].command[1]', message: 'must be string' },
        { field: 'inputs[0].path', message: 'must be string' },
        { field: 'inputs[0].type', message: 'must be one of FILE, DIRECTORY' },
      ]) as unknown,
    });
  });

  it('stops at the first problem when asked to', () => {
    const verdict = taskSchema({ executors: [1, 2, 3] }, false);
    expect('problems' in verdict && verdict.problems).toHaveLength(1);
  });
});

describe('fieldProblem', () => {
  const error = { keyword: 'type', schemaPath: '', params: {}, message: 'must be string' };
  it.each([
    ['', ''],
    ['/tags/a', 'tags.a'],
    ['/tags/a b', 'tags["a b"]'],
    ['/tags/a~1b~0c', 'tags["a/b~c"]'],
    ['/executors/10/env/X-Y', 'executors[10].env.X-Y'],
  ])('%s → %s', (instancePath, field) => {
    expect(fieldProblem({ ...error, instancePath }).field).toBe(field);
  });
});
