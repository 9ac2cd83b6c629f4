/** py-tes, which most Python clients are built on: the newest version, and the one that Snakemake and Toil are bound to; on both stores. */
import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMongoServer, type MongoServer } from '../support/mongo/mongo-server.ts';
import { readScript } from './support/cases.ts';
import type { ClientName } from './support/client.ts';
import { createWorld, type World } from './support/world.ts';

const { file, cases } = readScript('py-tes/cases.py');

const CLIENTS: readonly ClientName[] = ['py-tes-1.1', 'py-tes-0.4'];

describe.each(['sqlite', 'mongodb'])('on %s', (store) => {
  let mongo: MongoServer | undefined;

  beforeAll(async () => {
    mongo = store === 'mongodb' ? await startMongoServer() : undefined;
  });

  afterAll(() => mongo?.stop());

  describe.each(CLIENTS)('%s', (client) => {
    let world: World;

    beforeAll(async () => {
      const config = mongo === undefined ? '' : `[store]\nurl = "${mongo.newDatabase()}"`;
      world = await createWorld({ client, config });
      cpSync(file, path.join(world.files, 'cases.py'));
    });

    afterAll(() => world.remove());

    it.each(cases)('%s (%s)', async (name) => {
      const { code, output } = await world.run([
        ...['python', 'cases.py', world.server.url, world.files, name],
      ]);
      expect(code, output).toBe(0);
    });
  });
});
