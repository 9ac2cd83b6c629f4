/** T1-T84 on the API over both stores, without a destination: all that needs no run. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiDeps } from '../../src/api/app.ts';
import { createMongoStore } from '../../src/store/mongo/mongo-store.ts';
import { startHarness } from '../integration/api/harness.ts';
import { startMongoServer, type MongoServer } from '../support/mongo/mongo-server.ts';
import { notPassed, runAll } from './run.ts';

const ORIGIN = 'https://portal.example.org';
const secured = ({ security }: ApiDeps) => ({
  security: { ...security, allowedOrigins: [ORIGIN] },
});

const NEEDS_RUN = 'T56 skipped: needs a task to run (--no-run)';

describe('on SQLite', () => {
  it('nothing fails, and Magnetar is its own reading of what the document leaves open', async () => {
    const harness = await startHarness(secured);
    try {
      const report = await runAll(harness.root, { origin: ORIGIN });
      expect(notPassed(report)).toEqual([NEEDS_RUN]);
      expect(report.tasks.left).toEqual([]);
    } finally {
      await harness.close();
    }
  });
});

describe('on MongoDB', () => {
  let server: MongoServer;

  beforeAll(async () => {
    server = await startMongoServer();
  });
  afterAll(async () => {
    await server.stop();
  });

  it('nothing fails either', async () => {
    const { store } = await createMongoStore({ url: server.newDatabase() });
    const harness = await startHarness((deps) => ({ ...secured(deps), store }));
    try {
      const report = await runAll(harness.root, { origin: ORIGIN });
      expect(notPassed(report)).toEqual([NEEDS_RUN]);
      expect(report.tasks.left).toEqual([]);
    } finally {
      await harness.close();
      await store.close();
    }
  });
});
