/** On MongoDB: kill -9 of the server, and a second server that takes its destination over. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMongoServer, type MongoServer } from '../support/mongo/mongo-server.ts';
import { createSite, startServer, type Site } from '../support/server/server.ts';
import { expectOneEnd, killTable, marking } from './kill-table.ts';

let mongo: MongoServer;
let site: Site;

beforeAll(async () => {
  mongo = await startMongoServer();
  site = await createSite({
    program: 'deadly',
    config: `[store]\nurl = "${mongo.newDatabase()}"`,
  });
});

afterAll(async () => {
  await site.remove();
  await mongo.stop();
});

describe('kill -9 of the server', () => {
  killTable({
    site: () => site,
    points: ['sent, not recorded', 'running', 'before the final write'],
  });

  it('the next server has to wait for the lease, then ends the task once', async () => {
    const first = await startServer(site);
    const id = await first.tes.create(marking('lease', 1));
    await first.tes.reached(id, 'RUNNING');
    await first.kill();
    const next = await startServer(site);
    try {
      await expectOneEnd(site, next, 'lease');
      expect(next.output()).toContain('attempt resumed');
    } finally {
      await next.stop();
    }
  });
});
