/** What a log line looks like and what it never holds. */
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { LogConfig } from '../../../src/config/types.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import type { Logger } from '../../../src/kernel/logger.ts';
import { createLogger } from '../../../src/observability/logger.ts';

const logWith = (config: LogConfig, write: (logger: Logger) => void, isTTY = false): string => {
  const stream = Object.assign(new PassThrough(), { isTTY });
  write(createLogger({ config, stream }));
  return String(stream.read() ?? '');
};

const logJson = (write: (logger: Logger) => void): Record<string, unknown> =>
  JSON.parse(logWith({ format: 'json', level: 'debug' }, write)) as Record<string, unknown>;

describe('a log line', () => {
  it('is JSON with level, message, time and fields', () => {
    const line = logJson((logger) => logger.info('task created', { taskId: 'a', ms: 3 }));
    expect(line).toMatchObject({ level: 'info', message: 'task created', taskId: 'a', ms: 3 });
    expect(line['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  it('is text on a terminal unless the format says otherwise', () => {
    const write = (logger: Logger) => logger.warn('slow', { ms: 3, path: 'a b' });
    const text = /^\d\d:\d\d:\d\d warn {2}slow ms=3 path="a b"\n$/;
    expect(logWith({ format: 'auto', level: 'info' }, write, true)).toMatch(text);
    expect(logWith({ format: 'text', level: 'info' }, write)).toMatch(text);
    expect(logWith({ format: 'auto', level: 'info' }, write)).toMatch(/^\{/);
  });

  it('is left out below the level', () => {
    expect(logWith({ format: 'json', level: 'warn' }, (logger) => logger.info('x'))).toBe('');
  });

  it('carries the fields of the child loggers it went through', () => {
    const line = logJson((logger) =>
      logger.child({ taskId: 'a' }).child({ jobId: 'b' }).debug('polled', { n: 1 }),
    );
    expect(line).toMatchObject({ taskId: 'a', jobId: 'b', n: 1 });
  });

  it('keeps its message when a field has the same name', () => {
    const line = logJson((logger) => logger.info('constant', { message: 'other', level: 'x' }));
    expect(line).toMatchObject({ message: 'constant', level: 'info', message_: 'other' });
  });

  it('never spreads over two lines', () => {
    const config: LogConfig = { format: 'text', level: 'info' };
    const text = logWith(config, (logger) => logger.info('x', { name: 'a\nb' }));
    expect(text.trimEnd()).not.toContain('\n');
  });

  it.each(['\u001b[2J', '\u009b2J', '\u202egnp', 'a\u2028b', '\u007f'])(
    'shows %j, which a terminal would obey, as an escape',
    (name) => {
      const config: LogConfig = { format: 'text', level: 'info' };
      const text = logWith(config, (logger) => logger.info('x', { name, none: undefined }));
      expect(text.trimEnd()).toMatch(/name="[ -~]+" none=undefined$/);
    },
  );
});

describe('an error in a log line', () => {
  it('is name, code, message and causes, nothing else', () => {
    const cause = Object.assign(new Error('connect failed'), {
      code: 'ECONNREFUSED',
      config: { headers: { authorization: 'Bearer hunter2' } },
    });
    const error = new MagnetarError('PULSAR_UNREACHABLE', 'no answer', { cause });
    expect(logJson((logger) => logger.error('poll failed', { error }))['error']).toEqual({
      name: 'MagnetarError',
      code: 'PULSAR_UNREACHABLE',
      message: 'no answer',
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect failed' },
    });
  });

  it('loses user information and query of URLs in its message', () => {
    const error = new Error(
      'GET https://me:hunter2@h.org/a?private_token=hunter2 and ftp://me:p@hunter2@h.org/b@c failed',
    );
    const line = JSON.stringify(logJson((logger) => logger.error('x', { error })));
    expect(line).toContain('https://h.org/a and ftp://h.org/b@c failed');
    expect(line).not.toContain('hunter2');
  });

  it('may have itself as its cause', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(logJson((logger) => logger.error('x', { error }))['error']).toBeDefined();
  });
});

describe('a secret', () => {
  it.each([
    'authorization',
    'cookie',
    'content',
    'env',
    'password',
    'private_token',
    'privateToken',
    'access_token',
  ])('in a field called %s is replaced, also deep inside', (name) => {
    const line = JSON.stringify(
      logJson((logger) =>
        logger.child({ [name]: 'hunter2' }).info('x', { a: [{ [name]: 'hunter2' }] }),
      ),
    );
    expect(line).not.toContain('hunter2');
    expect(line).toContain('***');
  });
});
