/** Which jobs get the address of the server. */
import { describe, expect, it } from 'vitest';
import { canReach } from '../../../src/app/reach.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { DestinationConfig } from '../../../src/config/types.ts';

const destination = (table: Readonly<Record<string, unknown>>): DestinationConfig => {
  const environment = { MAGNETAR_DESTINATIONS: JSON.stringify([{ name: 'one', ...table }]) };
  const [entry] = loadConfig({ environment }).config.destinations;
  if (entry === undefined) throw new Error('no destination');
  return entry;
};

const rest = (url: string) => destination({ transport: 'rest', url });

describe('canReach', () => {
  it.each([
    ['our own Pulsar', destination({ transport: 'embedded' }), 'http://127.0.0.1:8080', true],
    ['a Pulsar on this host', rest('http://[::1]:8913'), 'http://localhost:8080', true],
    ['a Pulsar elsewhere', rest('https://pulsar.example.org'), 'http://127.0.0.1:8080', false],
    [
      'the same by a real name',
      rest('https://pulsar.example.org'),
      'https://tes.example.org',
      true,
    ],
  ])('%s', (_, entry, url, reaches) => {
    expect(canReach(entry, url)).toBe(reaches);
  });
});
