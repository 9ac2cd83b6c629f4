import { describe, expect, it } from 'vitest';
import { TASK_SHAPE } from '../../../../src/generated/task-shape.ts';
import { normalise, sizeOf } from '../../../../src/tasks/validation/normalise.ts';

describe('normalise', () => {
  it.each([
    [
      'unknown and read-only fields go (T19, T20)',
      { id: 'x', state: 'QUEUED', logs: [], creation_time: '', foo: 1 },
      {},
    ],
    [
      'nulls go, also in maps (T28, C18)',
      { name: null, tags: { a: null, b: '' } },
      { tags: { b: '' } },
    ],
    [
      'camelCase is taken (C20)',
      { resources: { cpuCores: 1, backendParametersStrict: true } },
      { resources: { cpu_cores: 1, backend_parameters_strict: true } },
    ],
    [
      'the own spelling wins before',
      { resources: { cpu_cores: 1, cpuCores: 2 } },
      { resources: { cpu_cores: 1 } },
    ],
    [
      'the own spelling wins after',
      { resources: { cpuCores: 2, cpu_cores: 1 } },
      { resources: { cpu_cores: 1 } },
    ],
    [
      'a null own spelling does not',
      { resources: { cpuCores: 2, cpu_cores: null } },
      { resources: { cpu_cores: 2 } },
    ],
    [
      'map keys are not fields',
      { tags: { cpuCores: 'x', foo: 'y' } },
      { tags: { cpuCores: 'x', foo: 'y' } },
    ],
    [
      'a null in a list stays',
      { executors: [{ command: ['a', null] }] },
      { executors: [{ command: ['a', null] }] },
    ],
    [
      'wrong types stay for the schema to judge',
      { executors: 'x', tags: [1], inputs: [2] },
      { executors: 'x', tags: [1], inputs: [2] },
    ],
    ['names of Object.prototype are no fields', { toString: 1, constructor: 2, valueOf: 3 }, {}],
  ])('%s', (_what, given, expected) => {
    expect(normalise(given, TASK_SHAPE)).toEqual(expected);
  });

  it.each([undefined, null, 1, 'x', [], [1]])('leaves %j as it is', (value) => {
    expect(normalise(value, TASK_SHAPE)).toEqual(value);
  });

  it('keeps a map entry called __proto__ an entry', () => {
    const given: unknown = JSON.parse('{"tags":{"__proto__":"x"}}');
    expect(JSON.stringify(normalise(given, TASK_SHAPE))).toBe('{"tags":{"__proto__":"x"}}');
  });
});

describe('sizeOf', () => {
  it.each([
    [1, { depth: 1, values: 1 }],
    [[], { depth: 1, values: 1 }],
    [{ a: [1, { b: null }] }, { depth: 4, values: 5 }],
  ])('%j', (value, size) => {
    expect(sizeOf(value, 9)).toEqual(size);
  });

  it('goes no deeper than asked', () => {
    const deep: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(sizeOf(deep, 32).depth).toBe(33);
  });
});
