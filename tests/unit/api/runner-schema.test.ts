/** One verdict on a report, whether a beacon brings it or a poll finds it. */
import { describe, expect, it } from 'vitest';
import { compileRunnerSchema } from '../../../src/api/runner-schema.ts';
import { readOutput, readReport } from '../../../src/tasks/runner-schema.ts';
import { newReport } from '../../support/tasks.ts';

const schema = compileRunnerSchema();
const JOB = 'tes-x-1-1';
const [EXECUTOR] = newReport(JOB).executors;
const FILE = { i: 0, path: '/out/a', url: '/srv/a', size: 1 };

const GOOD: Readonly<Record<string, object>> = {
  'as it is': {},
  'a path longer than a task may name': { outputs: [{ ...FILE, path: `/${'d/'.repeat(5000)}` }] },
  'an exit code of another system': { executors: [{ ...EXECUTOR, exit_code: -1073741819 }] },
  'a memory kill': { executors: [{ ...EXECUTOR, oom: true }] },
  'an error': { state: 'SYSTEM_ERROR', error: { code: 'X', message: 'y', phase: 'z' } },
  'how its files moved': {
    inputs: [{ ...FILE, method: 'relay', seconds: 0.5, tries: 2 }],
    outputs: [{ ...FILE, method: 'direct', seconds: 1, tries: 1 }],
  },
  'a time without fraction': { start: '2026-01-01T00:00:00Z' },
};

const BAD: Readonly<Record<string, object>> = {
  'another version': { v: 2 },
  'an unknown state': { state: 'DONE' },
  'a time in words': { start: 'Jan 1 2026' },
  'a time that there is not': { end: '2026-13-01T00:00:00Z' },
  'an exit code that is no number': { executors: [{ ...EXECUTOR, exit_code: '0' }] },
  'a negative size': { outputs: [{ ...FILE, size: -1 }] },
  'an input without size': { inputs: [{ i: 0, path: '/x' }] },
  'a part of a try': { outputs: [{ ...FILE, tries: 0.5 }] },
  'a host that is no text': { host: { cores: 4 } },
};

describe('a report', () => {
  const verdicts = (change: object): readonly boolean[] => {
    const report = { ...newReport(JOB), ...change };
    const read = readReport(schema, JSON.stringify(report));
    const beacon = schema.beacon({ v: 1, job: JOB, event: 'end', report: structuredClone(report) });
    return [!('unreadable' in read), 'value' in beacon];
  };

  it.each(Object.entries(GOOD))('is taken both ways with %s', (_, change) => {
    expect(verdicts(change)).toEqual([true, true]);
  });

  it.each(Object.entries(BAD))('is refused both ways with %s', (_, change) => {
    expect(verdicts(change)).toEqual([false, false]);
  });

  it('that is none is told apart, with the place', () => {
    const broken = { ...newReport(JOB), outputs: [{ ...FILE, size: 'big' }] };
    expect(readReport(schema, JSON.stringify(broken))).toEqual({
      unreadable: 'outputs[0].size must be integer',
    });
    expect(readReport(schema, '{"v":1')).toEqual({ unreadable: 'must be object' });
  });

  it('loses members that nobody knows', () => {
    const report = { ...newReport(JOB), outputs: [{ ...FILE, extra: 1 }], more: [] };
    expect(readReport(schema, JSON.stringify(report))).toEqual({
      ...newReport(JOB),
      outputs: [FILE],
    });
  });
});

describe('a sign of life', () => {
  it('may tell in a few words what moves', () => {
    const alive = { v: 1, job: JOB, event: 'alive' };
    const progress = 'fetching inputs: 3 of 10 files, 1.2 of 4.0 GiB';
    expect(schema.beacon(alive)).toEqual({ value: alive });
    expect(schema.beacon({ ...alive, progress })).toEqual({ value: { ...alive, progress } });
    expect(schema.beacon({ ...alive, progress: 'x'.repeat(201) })).toHaveProperty('problems');
  });
});

describe('a row of a list', () => {
  it('is read with the same schema', () => {
    expect(readOutput(schema, JSON.stringify(FILE))).toEqual(FILE);
    expect(readOutput(schema, '{"i":0}')).toBeUndefined();
    expect(readOutput(schema, '{"i":')).toBeUndefined();
  });
});
