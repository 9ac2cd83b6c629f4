/** `limits.owner_running` on a real server: what one owner has too much waits, others do not wait for it, and none of it is forgotten. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApiToken } from '../../src/access/tokens.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { createTesClient, type TesClient } from '../support/server/tes-client.ts';
import { until } from '../support/until.ts';

let site: Site;
let server: Server;
let alice: TesClient;
let bob: TesClient;

beforeAll(async () => {
  const config = '[auth]\nmodes = ["token"]\n[limits]\nowner_running = 1\n';
  site = await createSite({ config });
  server = await startServer(site);
  const clientOf = async (name: string): Promise<TesClient> => {
    const created = '2026-01-01T00:00:00.000Z';
    const token = await createApiToken(join(site.data, 'tokens.json'), { name, created });
    return createTesClient(() => server.url, `Bearer ${token}`);
  };
  [alice, bob] = [await clientOf('alice'), await clientOf('bob')];
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

const mark = (name: string): string => join(site.marks, name);

/** Runs until it may end. */
const gated = (name: string): object => {
  const script = `touch /marks/${name}; until [ -e /marks/${name}.end ]; do sleep 0.05; done`;
  return { executors: [{ image: 'any', command: ['sh', '-c', script] }] };
};

it('starts one after another, lets the other owner pass, and goes on after a restart', async () => {
  const names = ['first', 'second', 'third'];
  const ids: string[] = [];
  for (const name of names) ids.push(await alice.create(gated(name)));
  const [first = '', second = '', third = ''] = ids;
  const states = () => Promise.all(ids.map(async (id) => (await alice.get(id)).state));
  const starts = (name: string) =>
    until(() => existsSync(mark(name)), { timeoutMs: 60_000, what: `the start of ${name}` });

  await starts('first');
  for (const name of ['one', 'two']) {
    const id = await bob.create(gated(name));
    writeFileSync(mark(`${name}.end`), '');
    expect((await bob.ended(id)).state).toBe('COMPLETE');
  }
  expect(await states()).toEqual(['RUNNING', 'QUEUED', 'QUEUED']);

  await server.kill();
  server = await startServer(site);
  writeFileSync(mark('first.end'), '');
  expect((await alice.ended(first)).state).toBe('COMPLETE');
  await starts('second');
  expect(await states()).toEqual(['COMPLETE', 'RUNNING', 'QUEUED']);
  await alice.cancel(second);
  await starts('third');
  expect((await alice.ended(second)).state).toBe('CANCELED');
  writeFileSync(mark('third.end'), '');
  expect((await alice.ended(third)).state).toBe('COMPLETE');
});
