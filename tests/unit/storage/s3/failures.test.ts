import { describe, expect, it } from 'vitest';
import { MagnetarError } from '../../../../src/kernel/errors.ts';
import { failureOf } from '../../../../src/storage/s3/failures.ts';

const { signal } = new AbortController();
const URL_WITH_SECRET = 's3://AK:SECRET@host/b/k';

const said = (name: string, status?: number): Error =>
  Object.assign(new Error('SECRET is what it says'), {
    name,
    AWSAccessKeyId: 'SECRET',
    $metadata: { httpStatusCode: status },
  });

describe('failureOf', () => {
  it.each([
    [said('TimeoutError'), 'STORAGE_UNAVAILABLE', 's3://host/b/k: TimeoutError: no answer in time'],
    [said('403', 403), 'STORAGE_DENIED', 's3://host/b/k: answers 403'],
    [said('NotFound', 404), 'STORAGE_MISSING', 's3://host/b/k: there is no such file or folder'],
    [said('<b>SECRET</b>', 429), 'STORAGE_UNAVAILABLE', 's3://host/b/k: answers 429'],
    [said('toString', 418), 'STORAGE_FAILED', 's3://host/b/k: answers 418 toString'],
    [said('SyntaxError', 200), 'STORAGE_FAILED', 's3://host/b/k: answers 200 SyntaxError'],
    [
      said('CredentialsProviderError'),
      'STORAGE_DENIED',
      's3://host/b/k: CredentialsProviderError: neither the environment nor the standard files have credentials',
    ],
    [
      Object.assign(new Error('SECRET'), { code: 'ECONNREFUSED' }),
      'STORAGE_UNAVAILABLE',
      's3://host/b/k: connection refused',
    ],
    ['SECRET', 'STORAGE_UNAVAILABLE', 's3://host/b/k: unknown failure'],
  ] as const)('%s', (error, code, message) => {
    const failure = failureOf(URL_WITH_SECRET, error, signal);
    expect(failure).toMatchObject({ code, message });
    expect(failure.cause).toBeUndefined();
  });

  it('is the reason of an abort, whatever broke by it', () => {
    const reason = new MagnetarError('STOPPING', 'enough');
    expect(failureOf('s3://b/k', said('AbortError'), AbortSignal.abort(reason))).toBe(reason);
  });
});
