/** pydantic-tes, by which Pulsar's TES client sends the jobs of a Galaxy; Galaxy itself does not run here. */
import { cpSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readScript } from './support/cases.ts';
import { createWorld, type World } from './support/world.ts';

const { file, cases } = readScript('galaxy/cases.py');

let world: World;

beforeAll(async () => {
  world = await createWorld({ client: 'pydantic-tes' });
  cpSync(file, path.join(world.files, 'cases.py'));
});

afterAll(() => world.remove());

it.each(cases)('%s (%s)', async (name) => {
  const { code, output } = await world.run(['python', 'cases.py', world.server.url, name]);
  expect(code, output).toBe(0);
});
