import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { NOBODY } from '../../../src/tasks/grants.ts';
import type { UrlFacts, UrlRules } from '../../../src/tasks/ports/url-rules.ts';
import { planTransfers, type DataReach } from '../../../src/tasks/transfers.ts';

const executors = [{ image: 'any', command: ['true'] }];
const NOWHERE = { shared_filesystem: false, direct: [], server: false, push: false };
/** Whoever names `closed` needs credentials there. */
const rules: UrlRules = {
  judge: (url): UrlFacts => ({
    needsSecret: url.includes('//closed/'),
    upload: url.includes('//forms/') ? 'post' : 'put',
  }),
};
const schemes = { http: rules, https: rules, ftp: rules, ftps: rules, s3: rules };
const setting = (reach: Partial<DataReach>) => ({
  reach: { ...NOWHERE, ...reach },
  schemes,
  caller: NOBODY,
});
const plan = (url: string, reach: Partial<DataReach> = {}) =>
  planTransfers(
    { executors, inputs: [{ path: '/in', url }], outputs: [{ path: '/out', url }] },
    new Map(),
    setting(reach),
  );
const WEB = { direct: ['http', 'https'] };
const SHARED = { shared_filesystem: true };
const SERVER = { server: true };
const PUSH = { push: true };

describe('planTransfers', () => {
  it.each([
    ['http://host/a', { ...SHARED, ...WEB }, 'direct'],
    ['https://host/a', WEB, 'direct'],
    ['https://host/a', { ...SERVER, ...WEB }, 'direct'],
    ['https://host/a', SERVER, 'relay'],
    ['https://closed/a', { ...SERVER, ...WEB }, 'relay'],
    ['/data/a', SHARED, 'mount'],
    ['file:///data/a', { ...SHARED, ...SERVER }, 'mount'],
    ['file:///data/a', SERVER, 'relay'],
    ['ftp://host/a', { ...SHARED, ...SERVER }, 'relay'],
    ['ftps://host/a', SERVER, 'relay'],
    ['s3://bucket/a', SERVER, 'relay'],
    ['http://host/a', PUSH, 'push'],
    ['https://host/a', PUSH, 'push'],
    ['https://closed/a', { ...PUSH, ...WEB }, 'push'],
    ['https://host/a', { ...PUSH, ...WEB }, 'direct'],
    ['file:///data/a', PUSH, 'push'],
    ['/data/a', { ...PUSH, ...SHARED }, 'mount'],
    ['ftp://host/a', PUSH, 'push'],
    ['ftps://host/a', PUSH, 'push'],
    ['s3://bucket/a', PUSH, 'push'],
    ['s3://bucket/a', { ...PUSH, ...SERVER }, 'relay'],
    ['file:///data/a', { ...PUSH, ...SERVER }, 'relay'],
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

  it('says why no cheaper way was taken', () => {
    expect(plan('file:///data/a', SERVER).outputs[0]?.why).toContain('shared_filesystem');
    expect(plan('https://closed/a', { ...WEB, ...SERVER }).inputs[0]?.why).toContain('credentials');
    expect(plan('https://host/a', WEB).inputs[0]).not.toHaveProperty('why');
  });

  it('tells a job whose data the server moves no secret of a URL', () => {
    const { inputs, outputs } = plan('s3://key:secret@host/bucket/a', PUSH);
    expect(JSON.stringify(inputs)).not.toContain('secret');
    expect(inputs).toMatchObject([{ i: 0, path: '/in', type: 'FILE', method: 'push' }]);
    expect(outputs).toMatchObject([{ method: 'push', url: 's3://host/bucket/a' }]);
  });

  it('lets the server list the folders of http', () => {
    const folder = (reach: Partial<DataReach>) =>
      planTransfers(
        { executors, inputs: [{ path: '/in', url: 'http://host/a', type: 'DIRECTORY' }] },
        new Map(),
        setting(reach),
      ).inputs;
    expect(folder({ ...WEB, ...SERVER })).toMatchObject([{ method: 'relay' }]);
    expect(folder({ ...WEB, ...PUSH })).toMatchObject([{ method: 'push' }]);
    expect(() => folder(WEB)).toThrow('set public_url under [server]');
  });

  it('tells a job which stores over http itself that a host takes forms', () => {
    const [output] = plan('http://forms/upload', WEB).outputs;
    expect(output).toMatchObject({ method: 'direct', upload: 'post' });
    expect(plan('http://host/upload', WEB).outputs[0]).not.toHaveProperty('upload');
  });

  it('lets jobs fetch over anonymous ftp themselves, and the server store', () => {
    const reach = { direct: ['ftp'], ...SERVER };
    const { inputs, outputs } = plan('ftp://host/a', reach);
    expect(inputs).toMatchObject([{ method: 'direct' }]);
    expect(outputs).toMatchObject([{ method: 'relay' }]);
    expect(plan('ftp://closed/a', reach).inputs).toMatchObject([{ method: 'relay' }]);
  });

  it('fails what may no longer be used', () => {
    const judge = () => {
      throw new MagnetarError('STORAGE_REFUSED', 'nobody may');
    };
    expect(() =>
      planTransfers({ executors, inputs: [{ path: '/in', url: 's3://b/a' }] }, new Map(), {
        ...setting(SERVER),
        schemes: { s3: { judge } },
      }),
    ).toThrow('s3://b/a: nobody may');
  });

  it('hands a prefix on only with a pattern: T40 has it ignored otherwise', () => {
    const prefixOf = (path: string, path_prefix: string) =>
      planTransfers(
        { executors, outputs: [{ path, path_prefix, url: 'http://host/a' }] },
        new Map(),
        setting(WEB),
      ).outputs[0]?.path_prefix;
    expect(prefixOf('/o/*', '/o')).toBe('/o');
    expect(prefixOf('/o/a', 'nonsense/../x')).toBeUndefined();
    expect(prefixOf('/o/a[', '/o')).toBeUndefined();
  });

  it.each([
    ['/data/a', 'shared_filesystem = true'],
    ['s3://key:secret@host/bucket', 'set public_url under [server]'],
    ['gs://key:secret@host/bucket', 'no way to move gs'],
    ['https://closed/a', 'jobs do not get the credentials'],
    ['https://host/a', 'add it to "direct"'],
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
      setting({}),
    );
    expect(inputs).toEqual([{ i: 0, path: '/in', type: 'FILE', method: 'content', content: 'hi' }]);
  });
});
