/** Whether the jobs of a destination can reach this server. */
import type { DestinationConfig } from '../config/types.ts';
import { isLoopback } from '../tasks/addresses.ts';

const isHere = (url: string): boolean => isLoopback(new URL(url).hostname);

/** A loopback address means the Pulsar's own host there: a job would talk to whoever listens on it. */
export const canReach = (destination: DestinationConfig, serverUrl: string): boolean =>
  destination.transport === 'embedded' || isHere(destination.url) || !isHere(serverUrl);
