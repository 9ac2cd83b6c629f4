import { describe, expect, it } from 'vitest';
import { compileRunnerSchema } from '../../../src/api/runner-schema.ts';
import {
  MOST_OUTPUTS,
  isListCut,
  readOutputs,
  withOutputs,
} from '../../../src/tasks/output-list.ts';
import type { ReportOutput } from '../../../src/tasks/report.ts';
import { newReport } from '../../support/tasks.ts';

const schema = compileRunnerSchema();
const row = (n: number): ReportOutput => ({
  i: 0,
  path: `/out/${String(n)}`,
  url: `/srv/ü/${String(n)}`,
  size: n,
});
const rows = (count: number): readonly ReportOutput[] =>
  Array.from({ length: count }, (_, n) => row(n));
const linesOf = (list: readonly ReportOutput[]): string =>
  list.map((item) => `${JSON.stringify(item)}\n`).join('');

async function* inPieces(text: string, length: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += length) {
    yield await Promise.resolve(bytes.subarray(at, at + length));
  }
}

describe('readOutputs', () => {
  it.each([1, 7, 1000, 1_000_000])('reads rows that come in pieces of %i bytes', async (length) => {
    expect(await readOutputs(inPieces(linesOf(rows(30)), length), schema)).toEqual(rows(30));
  });

  it('ends at a line that is no row, and at the most rows a task may list', async () => {
    const text = `${linesOf(rows(2))}{"i":0}\n${linesOf(rows(2))}`;
    expect(await readOutputs(inPieces(text, 50), schema)).toEqual(rows(2));
    const many = linesOf(rows(MOST_OUTPUTS + 5));
    expect(await readOutputs(inPieces(many, 65_536), schema)).toHaveLength(MOST_OUTPUTS);
  });

  it('keeps the rows of the first 64 MiB of a longer list', async () => {
    const line = linesOf([{ ...row(1), path: `/${'p'.repeat(1024 ** 2)}` }]);
    const list = async function* () {
      for (let n = 0; n < 70; n += 1) yield await Promise.resolve(Buffer.from(line));
    };
    expect(await readOutputs(list(), schema)).toHaveLength(63);
  });
});

describe('withOutputs', () => {
  const cut = newReport('x', {
    outputs: rows(40),
    system_logs: ['note'],
    cut: { outputs: 1200 },
  });

  it('takes all rows', () => {
    expect(isListCut(cut)).toBe(true);
    expect(withOutputs(cut, rows(1200))).toEqual({ ...cut, outputs: rows(1200) });
  });

  it('says how many are missing when the others did not come', () => {
    expect(withOutputs(cut, []).system_logs).toEqual(['note', '40 of 1200 outputs are listed']);
    expect(withOutputs(cut, rows(1100)).system_logs).toEqual([
      'note',
      '1100 of 1200 outputs are listed',
    ]);
  });

  it('is not asked for when the report has all rows, however many', () => {
    expect(isListCut(newReport('x', { outputs: rows(1000) }))).toBe(false);
    expect(isListCut(newReport('x', { cut: { inputs: 5 } }))).toBe(false);
  });
});
