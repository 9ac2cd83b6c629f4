import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { planTransfers, type DataReach } from '../../../src/tasks/transfers.ts';

const executors = [{ image: 'any', command: ['true'] }];
const NOWHERE = { shared_filesystem: false, server: false };
const plan = (url: string, reach: Partial<DataReach> = {}) =>
  planTransfers(
    { executors, inputs: [{ path: '/in', url }], outputs: [{ path: '/out', url }] },
    new Map(),
    { ...NOWHERE, ...reach },
  );
const SHARED = { shared_filesystem: true };
const SERVER = { server: true };

describe('planTransfers', () => {
  it.each([
    ['http://host/a', SHARED, 'direct'],
    ['https://host/a', {}, 'direct'],
    ['https://host/a', SERVER, 'direct'],
    ['/data/a', SHARED, 'mount'],
    ['file:///data/a', { ...SHARED, ...SERVER }, 'mount'],
    ['file:///data/a', SERVER, 'relay'],
    ['ftp://host/a', { ...SHARED, ...SERVER }, 'relay'],
    ['ftps://host/a', SERVER, 'relay'],
    ['s3://bucket/a', SERVER, 'relay'],
  ])('%s with %j goes by %s both ways', (url, reach, method) => {
    const { inputs, outputs } = plan(url, reach);
    expect(inputs).toMatchObject([{ i: 0, method, type: 'FILE' }]);
    expect(outputs).toMatchObject([{ i: 0, method, url }]);
  });

  it('tells a job that fetches through the server no secret of a URL', () => {
    const { inputs, outputs } = plan('s3://key:secret@host/bucket/a', SERVER);
    expect(inputs).toEqual([{ i: 0, path: '/in', type: 'FILE', method: 'relay' }]);
    expect(outputs).toMatchObject([{ method: 'relay', url: 's3://host/bucket/a' }]);
  });

  it('lets the server list the folders of http', () => {
    const folder = (reach: DataReach) =>
      planTransfers(
        { executors, inputs: [{ path: '/in', url: 'http://host/a', type: 'DIRECTORY' }] },
        new Map(),
        reach,
      ).inputs;
    expect(folder({ ...NOWHERE, server: true })).toMatchObject([{ method: 'relay' }]);
    expect(() => folder(NOWHERE)).toThrow('set public_url under [server]');
  });

  it('hands a prefix on only with a pattern: T40 has it ignored otherwise', () => {
    const prefixOf = (path: string, path_prefix: string) =>
      planTransfers(
        { executors, outputs: [{ path, path_prefix, url: 'http://host/a' }] },
        new Map(),
        NOWHERE,
      ).outputs[0]?.path_prefix;
    expect(prefixOf('/o/*', '/o')).toBe('/o');
    expect(prefixOf('/o/a', 'nonsense/../x')).toBeUndefined();
    expect(prefixOf('/o/a[', '/o')).toBeUndefined();
  });

  it.each([
    ['/data/a', 'shared_filesystem = true'],
    ['s3://key:secret@host/bucket', 'set public_url under [server]'],
    ['gs://key:secret@host/bucket', 'no way to move gs'],
  ])('%s without a way names both places and what to configure', (url, text) => {
    const attempt = () => plan(url);
    expect(attempt).toThrow(text);
    expect(attempt).not.toThrow('secret');
    try {
      attempt();
    } catch (error) {
      expect(error).toBeInstanceOf(MagnetarError);
      expect(error).toMatchObject({
        code: 'NO_METHOD',
        details: [{ field: 'inputs[0].url' }, { field: 'outputs[0].url' }],
      });
    }
  });

  it('content wins over a URL', () => {
    const { inputs } = planTransfers(
      { executors, inputs: [{ path: '/in', url: 's3://x/y', content_bytes: 2 }] },
      new Map([[0, 'hi']]),
      NOWHERE,
    );
    expect(inputs).toEqual([{ i: 0, path: '/in', type: 'FILE', method: 'content', content: 'hi' }]);
  });
});
