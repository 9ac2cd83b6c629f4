import { describe, expect, it } from 'vitest';
import { cutStreams, isCut, logFileOf, withCutMarked } from '../../../src/tasks/full-logs.ts';
import type { ReportExecutor } from '../../../src/tasks/report.ts';
import { newReport } from '../../support/tasks.ts';

const [whole] = newReport('x').executors as [ReportExecutor];

describe('isCut', () => {
  it.each([
    ['[the last 5 of 10 bytes]\nabcde', true],
    ['[cut]\nabc', true],
    ['abc', false],
    ['', false],
    ['x[cut]\n', false],
    ['[the last 5 of 10 bytes] and more', false],
  ])('%j: %s', (text, cut) => {
    expect(isCut(text)).toBe(cut);
  });
});

describe('cutStreams', () => {
  it('names each stream of which the report has only the end', () => {
    const executors = [
      whole,
      { ...whole, i: 1, stderr: '[the last 3 of 9 bytes]\nabc', stderr_bytes: 9 },
    ];
    expect(cutStreams(newReport('x', { executors }))).toEqual([
      { executor: 1, stream: 'stderr', bytes: 9 },
    ]);
    expect(logFileOf({ executor: 1, stream: 'stderr' })).toBe('tes/1.stderr');
  });
});

describe('withCutMarked', () => {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('abc'));
  }
  const textOf = async (total: number): Promise<string> => {
    let text = '';
    for await (const piece of withCutMarked(pieces(), total)) text += Buffer.from(piece).toString();
    return text;
  };

  it('tells at the end that the runner kept less than there was', async () => {
    expect(await textOf(3)).toBe('abc');
    expect(await textOf(9)).toBe('abc\n[the first 3 of 9 bytes]\n');
  });
});
