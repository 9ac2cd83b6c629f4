/** py-tes, which most Python clients are built on: the newest version, and the one that Snakemake and Toil are bound to; on both stores. */
import { cpSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMongoServer, type MongoServer } from '../support/mongo/mongo-server.ts';
import type { ClientName } from './support/client.ts';
import { createWorld, type World } from './support/world.ts';

const SCRIPT = fileURLToPath(new URL('./py-tes/cases.py', import.meta.url));

/** Name and C numbers of each case, as the script itself says. */
const CASES = [...readFileSync(SCRIPT, 'utf8').matchAll(/^def (\w+)\(\):\n {4}"""(C[^".]*)/gm)].map(
  ([, name = '', numbers = '']) => [name, numbers.split(':')[0] ?? ''] as const,
);

it('the script has cases', () => {
  expect(CASES.map(([name]) => name)).toContain('cancel');
});

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
      cpSync(SCRIPT, path.join(world.files, 'cases.py'));
    });

    afterAll(() => world.remove());

    it.each(CASES)('%s (%s)', async (name) => {
      const { code, output } = await world.run([
        ...['python', 'cases.py', world.server.url, world.files, name],
      ]);
      expect(code, output).toBe(0);
    });
  });
});
