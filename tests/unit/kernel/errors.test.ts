/** The catalogue and its class. */
import { describe, expect, it } from 'vitest';
import { ERRORS, MagnetarError, isMagnetarError, messageOf } from '../../../src/kernel/errors.ts';

describe('ERRORS', () => {
  it.each(Object.entries(ERRORS))('%s has an HTTP error status and a sentence', (_code, row) => {
    expect(row.status).toBeGreaterThanOrEqual(400);
    expect(row.status).toBeLessThan(600);
    expect(row.meaning).toMatch(/^[A-Z].*\.$/);
  });
});

describe('MagnetarError', () => {
  it('carries its row, cause and details', () => {
    const cause = new Error('why');
    const details = [{ field: 'executors', message: 'is missing' }];
    const error = new MagnetarError('BAD_TASK', 'bad', { cause, details });
    expect(error).toMatchObject({ code: 'BAD_TASK', row: ERRORS.BAD_TASK, details, cause });
    expect(new MagnetarError('INTERNAL', 'x')).toMatchObject({ details: [], headers: {} });
  });

  it('is recognised, also by code', () => {
    const error: unknown = new MagnetarError('STOPPING', 'late');
    expect(isMagnetarError(error)).toBe(true);
    expect(isMagnetarError(error, 'STOPPING')).toBe(true);
    expect(isMagnetarError(error, 'ABORTED')).toBe(false);
    expect(isMagnetarError(new Error('late'))).toBe(false);
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('a'), 'a'],
    ['b', 'b'],
    [undefined, 'undefined'],
  ])('reads %s', (thrown, text) => {
    expect(messageOf(thrown)).toBe(text);
  });
});
