/** What an operator learns of a failure, and what a client does not. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { describe, expect, it } from 'vitest';
import { createAudit } from '../../../src/api/audit.ts';
import { createCallers } from '../../../src/api/callers.ts';
import { createErrorHandler } from '../../../src/api/errors.ts';
import { beginExchange } from '../../../src/api/exchange.ts';
import { MagnetarError } from '../../../src/kernel/errors.ts';
import { recordingLogger, type LogLine } from '../../integration/api/harness.ts';

const answerTo = async (error: Error, lines: LogLine[]): Promise<string> => {
  const app = express();
  app.use((req, res) => {
    beginExchange(req, res);
    throw error;
  });
  const logger = recordingLogger(lines);
  app.use(createErrorHandler(logger, createAudit(logger, createCallers())));
  const server = createServer(app);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    return await (await fetch(`http://127.0.0.1:${String(port)}/`)).text();
  } finally {
    server.close();
  }
};

describe('a failure of the server', () => {
  it('is logged with its cause and answered without', async () => {
    const lines: LogLine[] = [];
    const cause = new Error('database or disk is full');
    const failure = new MagnetarError('STORE_UNAVAILABLE', 'the database failed', { cause });
    expect(await answerTo(failure, lines)).not.toContain('disk is full');
    expect(lines).toMatchObject([{ level: failure.row.level, fields: { error: { cause } } }]);
  });

  it('is not the word for a slip of the client', async () => {
    const lines: LogLine[] = [];
    await answerTo(new MagnetarError('BAD_REQUEST', 'no'), lines);
    expect(lines[0]?.fields).not.toHaveProperty('error');
  });
});
