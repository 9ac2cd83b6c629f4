/** A Pulsar that this server reaches and whose jobs do not reach this server: by its address it is on another host. */
import { mkdtemp, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRestPulsar, type RestPulsar } from './rest-pulsar.ts';

const ownAddress = (): string => {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this machine has no address besides loopback');
  return found.address;
};

export interface FarPulsar extends RestPulsar {
  remove(): Promise<void>;
}

export const startFarPulsar = async (): Promise<FarPulsar> => {
  const directory = await mkdtemp(join(tmpdir(), 'far-pulsar-'));
  const pulsar = await startRestPulsar({ directory, host: ownAddress(), token: 'far token' });
  return {
    ...pulsar,
    async remove() {
      await pulsar.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
};

/** The destination of a site that has it instead of an embedded one. */
export const farDestination = ({ url, token }: RestPulsar): string => `
transport = "rest"
url = "${url}"
private_token = "${token}"
shared_filesystem = false
direct = []
`;
