/**
 * On a shared store the name of an embedded destination belongs to one data directory: its Pulsar and its jobs lie there, and a
 * server elsewhere that took over the name would call those jobs lost.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../config/types.ts';
import { MagnetarError } from '../kernel/errors.ts';
import type { TaskStore } from '../tasks/ports/task-store.ts';

/** On the disk before it has its name: a power cut must not leave half of it. */
const writeWhole = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${file}.new`, file);
};

/** The same at every start on this directory, which is locked for this process. */
const identityOf = (directory: string): string => {
  const file = join(directory, 'identity');
  if (!existsSync(file)) writeWhole(file, randomUUID());
  const identity = readFileSync(file, 'utf8').trim();
  if (identity !== '') return identity;
  throw new MagnetarError(
    'STARTUP',
    `${file} is empty: restore it from a backup; if the embedded destinations of this data directory have never been used on this MongoDB, remove it`,
  );
};

/**
 * The claim is a lease that is never given back; no destination can have its name, for names hold no slash.
 * @throws MagnetarError STARTUP when a name belongs to another data directory
 */
export const claimEmbedded = async (
  store: Pick<TaskStore, 'exclusive' | 'lease' | 'swapLease'>,
  { data, destinations }: Pick<Config, 'data' | 'destinations'>,
  signal: AbortSignal,
): Promise<void> => {
  if (store.exclusive) return;
  for (const { name } of destinations.filter(({ transport }) => transport === 'embedded')) {
    const claim = {
      destination: `embedded/${name}`,
      holder: identityOf(data),
      epoch: 1,
      beat: 0,
      address: `${hostname()}:${data}`,
    };
    await store.swapLease(undefined, claim, { signal });
    const held = await store.lease(claim.destination, { signal });
    if (held?.holder === claim.holder) continue;
    throw new MagnetarError(
      'STARTUP',
      `the embedded destination "${name}" of this MongoDB belongs to the Magnetar at ${String(held?.address)}: give the one here another name (name = "…" under [[destinations]]); if that Magnetar is gone for good, remove "${claim.destination}" from the collection leases`,
    );
  }
};
