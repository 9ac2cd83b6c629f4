import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../../../src/kernel/errors.ts';
import type { S3Endpoint } from '../../../../src/storage/s3/endpoint.ts';
import { placeOf, urlOf, type Place } from '../../../../src/storage/s3/place.ts';

const endpoint = (name: string, other: Partial<S3Endpoint> = {}): S3Endpoint => ({
  name,
  endpoint: `https://${name}.example.org`,
  region: 'us-east-1',
  path_style: true,
  buckets: [],
  access_key: 'K',
  secret_key: 'S',
  credentials: 'none',
  ...other,
});

const ENDPOINTS = [
  endpoint('lab', { buckets: ['lab-*', 'one', 'a*b*c'], region: 'lab-1' }),
  endpoint('local', { endpoint: 'http://10.0.0.9:9000', buckets: ['only'] }),
  endpoint('aws', { endpoint: '', path_style: false }),
];
const RULES = { endpoints: ENDPOINTS, allow: ['minio', '10.1.0.0/16'] };

const place = (url: string, endpoints = ENDPOINTS): Place => placeOf(url, { ...RULES, endpoints });
const refusal = (code: ErrorCode): Error => expect.objectContaining({ code }) as Error;

describe('placeOf', () => {
  it.each([
    ['s3://lab-data/x', 'lab'],
    ['s3://lab-/x', 'lab'],
    ['s3://one/x', 'lab'],
    ['s3://one-more/x', 'aws'],
    ['s3://a-b-c/x', 'lab'],
    ['s3://abc/x', 'lab'],
    ['s3://a-b-c-d/x', 'aws'],
    ['s3://ac/x', 'aws'],
    ['S3://only/x', 'local'],
    ['s3://lab.example.org/lab-data/x', 'lab'],
    ['s3://lab.example.org:443/lab-data/x', 'lab'],
    ['s3://10.0.0.9:9000/only/x', 'local'],
  ])('finds the endpoint of %s', (url, name) => {
    expect(place(url)).toMatchObject({ endpoint: { name }, key: 'x' });
    expect(place(url)).not.toHaveProperty('foreignHost');
  });

  it.each([
    ['s3://b/a/b', 'a/b'],
    ['s3://b/a%20b', 'a b'],
    ['s3://b/a b', 'a b'],
    ['s3://b/a%2520b', 'a%20b'],
    ['s3://b/100%', '100%'],
    ['s3://b/what?#now', 'what?#now'],
    ['s3://b/%FF', '%FF'],
    ['s3://b/a+b', 'a+b'],
    ['s3://b/line\nend', 'line\nend'],
    ['s3://b//a', '/a'],
    ['s3://b/a@b:c', 'a@b:c'],
    ['s3://b/', ''],
    ['s3://b', ''],
  ])('decodes the key of %j once', (url, key) => {
    expect(place(url)).toMatchObject({ bucket: 'b', key });
  });

  it.each([
    ['s3://AK:s%2Fe+c=@minio:9000/b/k', 'http://minio:9000', 'minio'],
    ['s3://AK:s%2Fe+c=@10.1.2.3/b/k', 'http://10.1.2.3', '10.1.2.3'],
    ['s3://AK:s%2Fe+c=@0xa010203:80/b/k', 'http://10.1.2.3', '10.1.2.3'],
    ['s3://AK:s%2Fe+c=@store.example.org/b/k', 'https://store.example.org', 'store.example.org'],
    ['s3://AK:s%2Fe+c=@127.0.0.1:9000/b/k', 'https://127.0.0.1:9000', '127.0.0.1'],
    ['s3://AK:s%2Fe+c=@[::1]:9000/b/k', 'https://[::1]:9000', '[::1]'],
    ['s3://AK:s%2Fe+c=@10.0.0.9:9000/b/k', 'http://10.0.0.9:9000', '10.0.0.9'],
  ])('takes the keys of %s, and plain HTTP only where it is allowed', (url, service, host) => {
    expect(place(url)).toMatchObject({
      endpoint: { endpoint: service, access_key: 'AK', secret_key: 's/e+c=', path_style: true },
      foreignHost: host,
      bucket: 'b',
      key: 'k',
    });
  });

  it('takes the region of an endpoint with the same host', () => {
    expect(place('s3://AK:x@lab.example.org/b/k').endpoint.region).toBe('lab-1');
  });

  it.each([
    ['s3://other:9000/b/k', 'STORAGE_REFUSED'],
    ['s3://10.0.0.9:9000/others/k', 'STORAGE_REFUSED'],
    ['s3://', 'STORAGE_FAILED'],
    ['s3:///k', 'STORAGE_FAILED'],
    ['s3://AK@host/b/k', 'STORAGE_FAILED'],
    ['s3://:secret@host/b/k', 'STORAGE_FAILED'],
    ['s3://AK:secret@/b/k', 'STORAGE_FAILED'],
    ['s3://AK:secret@host', 'STORAGE_FAILED'],
    ['s3://AK:secret@ho st/b/k', 'STORAGE_FAILED'],
    ['s3://AK:secret@host:99999/b/k', 'STORAGE_FAILED'],
    ['s3://AK:secret@evil\\host/b/k', 'STORAGE_FAILED'],
    ['s3://b%2Fc/k', 'STORAGE_FAILED'],
    ['s3://AK:sec/ret@host/b/k', 'STORAGE_FAILED'],
    ['s3://AK:12/ret@host/b/k', 'STORAGE_FAILED'],
  ] as const)('refuses %s', (url, code) => {
    expect(() => place(url)).toThrow(refusal(code));
  });

  it.each(['s3://AK:sec/ret@host/b/k', 's3://AK:12/ret@host/b/k', 's3://AK:secret@ho st/b/k'])(
    'shows nothing of %s, where nobody knows what is secret',
    (url) => {
      expect(() => place(url)).toThrow(/^an s3 URL is neither/);
    },
  );

  it('refuses a bucket that no endpoint has', () => {
    expect(() => place('s3://mine/k', ENDPOINTS.slice(0, 2))).toThrow(refusal('STORAGE_REFUSED'));
  });
});

describe('urlOf', () => {
  it.each(['s3://b/f', 's3://AK:s%2Fx@minio:9000/b/f', 's3://10.0.0.9:9000/only/f'])(
    'leads back to the key, from %s',
    (url) => {
      const from = place(url);
      const key = 'f/a b/%41?#+é\n"';
      expect(place(urlOf(from, key))).toEqual({ ...from, key });
    },
  );
});
