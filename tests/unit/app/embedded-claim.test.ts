/** Whose an embedded destination on a shared store is: one data directory's, also after its server has stopped. */
import { readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { claimEmbedded } from '../../../src/app/embedded-claim.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Lease } from '../../../src/tasks/ports/task-store.ts';
import { createTempFolder } from '../../support/temp-folder.ts';

const createLeases = (exclusive = false) => {
  const leases = new Map<string, Lease>();
  return {
    exclusive,
    lease: (name: string) => Promise.resolve(leases.get(name)),
    swapLease: (_from: Lease | undefined, to: Lease) => {
      if (leases.has(to.destination)) return Promise.resolve('conflict' as const);
      leases.set(to.destination, to);
      return Promise.resolve('applied' as const);
    },
  };
};

const { signal } = new AbortController();

const configOf = (data: string, destinations = '') =>
  loadConfig({
    environment: destinations === '' ? {} : { MAGNETAR_DESTINATIONS: destinations },
    flags: { data },
  }).config;

describe('claimEmbedded', () => {
  it('knows its own data directory again', async () => {
    const store = createLeases();
    const config = configOf(createTempFolder());
    await claimEmbedded(store, config, signal);
    await claimEmbedded(store, config, signal);
  });

  it('does not take an identity that was lost for one that all such directories share', async () => {
    const store = createLeases();
    const data = createTempFolder();
    await writeFile(join(data, 'identity'), '');
    const claim = claimEmbedded(store, configOf(data), signal);
    await expect(claim).rejects.toThrow(`${join(data, 'identity')} is empty`);
    expect(await store.lease('embedded/local')).toBeUndefined();
  });

  it('writes its identity whole, beside what a broken-off start has left', async () => {
    const store = createLeases();
    const data = createTempFolder();
    await writeFile(join(data, 'identity.new'), '');
    await claimEmbedded(store, configOf(data), signal);
    expect(await readdir(data)).toEqual(['identity']);
    const identity = await readFile(join(data, 'identity'), 'utf8');
    expect((await store.lease('embedded/local'))?.holder).toBe(identity);
    expect(identity).not.toBe('');
  });

  it('refuses the name that belongs to another data directory, and says whose it is', async () => {
    const store = createLeases();
    const first = createTempFolder();
    await claimEmbedded(store, configOf(first), signal);
    await expect(claimEmbedded(store, configOf(createTempFolder()), signal)).rejects.toThrow(
      new RegExp(`"local" of this MongoDB belongs to the Magnetar at .*:${first}: give`),
    );
  });

  it.each([
    ['another name', false, '[{"name":"other","transport":"embedded"}]'],
    ['a Pulsar over REST', false, '[{"name":"local","transport":"rest","url":"http://pulsar"}]'],
    ['a store of one process', true, ''],
  ])('lets in %s', async (_what, exclusive, destinations) => {
    const store = createLeases(exclusive);
    await claimEmbedded(store, configOf(createTempFolder()), signal);
    await claimEmbedded(store, configOf(createTempFolder(), destinations), signal);
  });
});
