import { FTPError } from 'basic-ftp';
import { describe, expect, it } from 'vitest';
import { ftpFailure } from '../../../../src/storage/ftp/failures.ts';

const URL = 'ftp://us:pw@h/x?secret';
const BOTH = ['read', 'write'] as const;

/** Reply, and what it becomes when reading and when storing. */
const ROWS: readonly (readonly [string, string, string?])[] = [
  ['421 Too many users', 'STORAGE_UNAVAILABLE'],
  ['425 Cannot open data connection', 'STORAGE_UNAVAILABLE'],
  ['426 Transfer aborted', 'STORAGE_UNAVAILABLE'],
  ['430 Invalid username or password', 'STORAGE_DENIED'],
  ['450 File busy', 'STORAGE_UNAVAILABLE'],
  ['450 x: No such file or directory', 'STORAGE_MISSING', 'STORAGE_UNAVAILABLE'],
  ['451 Local error', 'STORAGE_UNAVAILABLE'],
  ['452 Insufficient storage space', 'STORAGE_UNAVAILABLE'],
  ['500 What?', 'STORAGE_FAILED'],
  ['522 TLS session of data connection not resumed', 'STORAGE_FAILED'],
  ['530 Login incorrect', 'STORAGE_DENIED'],
  ['530 Sorry, the maximum number of clients (2) are already connected', 'STORAGE_UNAVAILABLE'],
  ['532 Need account', 'STORAGE_DENIED'],
  ['534 Policy requires SSL', 'STORAGE_FAILED'],
  ['550 No such file', 'STORAGE_MISSING', 'STORAGE_DENIED'],
  ['550 Permission denied', 'STORAGE_DENIED'],
  ['550 Disk full', 'STORAGE_MISSING', 'STORAGE_FAILED'],
  ['551 Page type unknown', 'STORAGE_FAILED'],
  ['552 Exceeded storage allocation', 'STORAGE_FAILED'],
  ['553 Could not create file', 'STORAGE_DENIED'],
  ['499 What?', 'STORAGE_UNAVAILABLE'],
];

describe('ftpFailure', () => {
  const cases = ROWS.map(([reply, read, write = read]) => ({ reply, read, write }));
  it.each(cases)('makes of "$reply" $read, and $write when storing', ({ reply, read, write }) => {
    const code = Number(reply.slice(0, 3));
    const error = new FTPError({ code, message: `${reply} pw` });
    const [first, second] = BOTH.map((use) => ftpFailure(URL, error, use));
    expect([first?.code, second?.code]).toEqual([read, write]);
    for (const shown of [first, second]) expect(shown?.message).not.toMatch(/pw|secret/);
  });

  it.each([
    ['Timeout (data socket)', 'STORAGE_UNAVAILABLE'],
    ['Server sent FIN packet unexpectedly, closing connection.', 'STORAGE_UNAVAILABLE'],
    ['StringWriter: Maximum bytes exceeded, maxByteLength=1.', 'STORAGE_FAILED'],
    ["Can't parse response to 'EPSV'", 'STORAGE_FAILED'],
    ['FTP control response exceeded maximum allowed size', 'STORAGE_FAILED'],
    ['anything else', 'STORAGE_UNAVAILABLE'],
  ])('makes of the words %j %s', (words, code) => {
    expect(ftpFailure(URL, new Error(words)).code).toBe(code);
  });
});
