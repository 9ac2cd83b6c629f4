import { describe, expect, it } from 'vitest';
import { attemptOfReport } from '../../../src/tasks/report-record.ts';
import { transferMetadata } from '../../../src/tasks/transfer-metadata.ts';
import { newReport } from '../../support/tasks.ts';

const row = (i: number, method: string, more: object = {}) => ({
  ...{ i, path: `/w/${String(i)}`, size: 1048576, method, seconds: 0.84, tries: 1 },
  ...more,
});
const out = (i: number, method: string, more: object = {}) => ({
  ...row(i, method, more),
  url: 'https://me:SECRET@h/x?sig=SECRET',
});

describe('transferMetadata', () => {
  it('tells how each input and output went over the network, and no URL', () => {
    const inputs = [
      row(0, 'relay'),
      row(1, 'content'),
      row(2, 'mount'),
      row(3, 'direct', { tries: 2 }),
    ];
    const outputs = [out(0, 'direct'), out(1, 'relay', { tries: 3 }), out(1, 'relay', { size: 4 })];
    expect(transferMetadata({ inputs, outputs })).toEqual({
      'input 0': 'relay, 1048576 bytes, 0.8 s, 1 try',
      'input 3': 'direct, 1048576 bytes, 0.8 s, 2 tries',
      'output 0': 'direct, 1048576 bytes, 0.8 s, 1 try',
      'output 1': 'relay, 2 files, 1048580 bytes, 3 tries',
    });
  });

  it('tells why no cheaper way was taken', () => {
    const outputs = [out(0, 'relay', { why: 'a secret stays here' }), out(0, 'relay')];
    expect(transferMetadata({ inputs: [], outputs })).toEqual({
      'output 0': 'relay (a secret stays here), 2 files, 2097152 bytes, 1 try',
    });
  });

  it('makes do with what a row has', () => {
    const bare = { i: 0, path: '/w/0', size: 5 };
    expect(transferMetadata({ inputs: [bare], outputs: [] })).toEqual({});
    expect(transferMetadata({ inputs: [{ ...bare, method: 'relay' }], outputs: [] })).toEqual({
      'input 0': 'relay, 5 bytes, 1 try',
    });
  });

  it('names a hundred, and tells what all are', () => {
    const inputs = Array.from({ length: 150 }, (_, i) => row(i, 'relay', { size: 10 }));
    const found = transferMetadata({ inputs, outputs: [out(0, 'direct', { size: 1 })] });
    expect(Object.keys(found)).toHaveLength(101);
    expect(found['transfers']).toBe('151 inputs and outputs, 1501 bytes');
  });

  it('stands on the attempt beside what the runner says of its host', () => {
    const report = newReport('tes-x-1-1', { host: { node: 'n1' }, inputs: [row(0, 'relay')] });
    expect(attemptOfReport(report, 0).metadata).toEqual({
      node: 'n1',
      'input 0': 'relay, 1048576 bytes, 0.8 s, 1 try',
    });
  });
});
