import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { planTransfers } from '../../../src/tasks/transfers.ts';

const executors = [{ image: 'any', command: ['true'] }];
const plan = (url: string, shared: boolean) =>
  planTransfers(
    { executors, inputs: [{ path: '/in', url }], outputs: [{ path: '/out', url }] },
    new Map(),
    { shared_filesystem: shared },
  );

describe('planTransfers', () => {
  it.each([
    ['http://host/a', true, 'direct'],
    ['https://host/a', false, 'direct'],
    ['/data/a', true, 'mount'],
    ['file:///data/a', true, 'mount'],
  ])('%s with shared files %s goes by %s both ways', (url, shared, method) => {
    const { inputs, outputs } = plan(url, shared);
    expect(inputs).toMatchObject([{ i: 0, method, type: 'FILE' }]);
    expect(outputs).toMatchObject([{ i: 0, method, url }]);
  });

  it('hands a prefix on only with a pattern: T40 has it ignored otherwise', () => {
    const prefixOf = (path: string, path_prefix: string) =>
      planTransfers(
        { executors, outputs: [{ path, path_prefix, url: 'http://host/a' }] },
        new Map(),
        { shared_filesystem: false },
      ).outputs[0]?.path_prefix;
    expect(prefixOf('/o/*', '/o')).toBe('/o');
    expect(prefixOf('/o/a', 'nonsense/../x')).toBeUndefined();
    expect(prefixOf('/o/a[', '/o')).toBeUndefined();
  });

  it.each([
    ['/data/a', 'shared_filesystem = true'],
    ['s3://key:secret@host/bucket', 'no way to move s3'],
  ])('%s without a way names both places and what to configure', (url, text) => {
    const attempt = () => plan(url, false);
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
      { shared_filesystem: false },
    );
    expect(inputs).toEqual([{ i: 0, path: '/in', type: 'FILE', method: 'content', content: 'hi' }]);
  });
});
