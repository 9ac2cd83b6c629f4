import { describe, expect, it } from 'vitest';
import { decodeObject, decodeStatus, textOf } from '../../../src/pulsar/answers.ts';

const REPORT = '../metadata/tes/report.json';

describe('decodeStatus', () => {
  it.each(['preprocessing', 'queued', 'running', 'postprocessing'])(
    'keeps the word %s',
    (status) => {
      expect(decodeStatus({ complete: 'false', status }, REPORT)).toEqual({ status, final: false });
    },
  );

  it.each([null, undefined, 'asleep', 7, {}])('takes %j for unknown', (status) => {
    expect(decodeStatus({ complete: 'false', status }, REPORT).status).toBe('unknown');
  });

  it.each([
    ['true', true],
    ['false', false],
    [true, false],
    [undefined, false],
  ])('complete %j is final: %s', (complete, final) => {
    expect(decodeStatus({ complete, status: 'complete' }, REPORT).final).toBe(final);
  });

  it('takes the report, and the failure only of a failed job', () => {
    const sources = [
      { path: 'other', contents: 'x' },
      { path: REPORT, contents: '{}' },
      { path: '../stderr', contents: ' why \n' },
    ];
    const answer = (status: string) => ({
      complete: 'true',
      status,
      realized_dynamic_file_sources: sources,
    });
    expect(decodeStatus(answer('complete'), REPORT)).toEqual({
      status: 'complete',
      final: true,
      report: '{}',
    });
    expect(decodeStatus(answer('failed'), REPORT).failure).toBe('why');
  });

  it('keeps the end of a long failure', () => {
    const sources = [{ path: '../stderr', contents: `${'x'.repeat(9000)}end` }];
    const answer = { complete: 'true', status: 'failed', realized_dynamic_file_sources: sources };
    const { failure = '' } = decodeStatus(answer, REPORT);
    expect(failure).toHaveLength(4000);
    expect(failure.endsWith('end')).toBe(true);
  });

  it.each([undefined, null, 'x', [null], [{ path: REPORT }], [{ path: REPORT, contents: '' }]])(
    'finds no report in %j',
    (sources) => {
      const answer = { status: 'complete', realized_dynamic_file_sources: sources };
      expect(decodeStatus(answer, REPORT)).not.toHaveProperty('report');
    },
  );
});

describe('decodeObject', () => {
  it.each(['', 'null', '[]', '1', '{', '<html>'])('answers undefined for %j', (text) => {
    expect(decodeObject(Buffer.from(text))).toBeUndefined();
  });

  it('gives texts by key', () => {
    const object = decodeObject(Buffer.from('{"a":"b","c":1}'));
    expect([textOf(object, 'a'), textOf(object, 'c'), textOf(object, 'd')]).toEqual([
      'b',
      undefined,
      undefined,
    ]);
  });
});
