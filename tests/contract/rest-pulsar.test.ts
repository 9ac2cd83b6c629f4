/** The contract for a Pulsar that runs elsewhere. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRestTransport } from '../../src/pulsar/rest/rest-transport.ts';
import type { JobTransport } from '../../src/tasks/ports/job-transport.ts';
import { REPORT } from '../support/pulsar/jobs.ts';
import { freePort, freeze } from '../support/pulsar/process.ts';
import { startRestPulsar, type RestPulsar } from '../support/pulsar/rest-pulsar.ts';
import { jobTransportContract } from './job-transport.contract.ts';

// characters that a query must escape
const TOKEN = 's3cr3t&;=+% /?#token';
const WRONG = 'wr0ng-t0ken';

let pulsar: RestPulsar;
let directory: string;
const transports: JobTransport[] = [];

const transportTo = (url: string, privateToken: string): JobTransport => {
  const transport = createRestTransport({ url, privateToken, reportName: REPORT });
  transports.push(transport);
  return transport;
};

jobTransportContract({
  name: 'REST',
  async setup() {
    directory = await mkdtemp(join(tmpdir(), 'magnetar-rest-'));
    pulsar = await startRestPulsar({ directory, token: TOKEN });
    const { port } = pulsar;
    return {
      transport: transportTo(pulsar.url, TOKEN),
      wrongToken: transportTo(pulsar.url, WRONG),
      down: transportTo(`http://127.0.0.1:${String(await freePort())}`, TOKEN),
      secrets: () => [TOKEN, encodeURIComponent(TOKEN), WRONG],
      async restart(signal) {
        await (signal === 'SIGTERM' ? pulsar.stop() : pulsar.kill());
        pulsar = await startRestPulsar({ directory, token: TOKEN, port });
      },
      freeze: () => freeze(pulsar.pid),
    };
  },
  async teardown() {
    for (const transport of transports) await transport.close();
    await pulsar.stop();
    await rm(directory, { recursive: true, force: true });
  },
});
