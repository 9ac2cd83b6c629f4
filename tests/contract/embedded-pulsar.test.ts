/** The contract for the embedded Pulsar. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createEmbeddedPulsar,
  type EmbeddedPulsar,
} from '../../src/pulsar/embedded/embedded-pulsar.ts';
import { createRestTransport } from '../../src/pulsar/rest/rest-transport.ts';
import { until } from '../support/until.ts';
import { createKeptLog } from '../support/pulsar/kept-log.ts';
import { REPORT, anySignal } from '../support/pulsar/jobs.ts';
import { freeze, signalTo } from '../support/pulsar/process.ts';
import { VENV, pulsarEnvironment, pulsarInstallation } from '../support/pulsar/venv.ts';
import { jobTransportContract } from './job-transport.contract.ts';

const WRONG = 'wr0ng-t0ken';

let directory: string;
const pulsars: EmbeddedPulsar[] = [];

const create = (folder: string): EmbeddedPulsar => {
  const pulsar = createEmbeddedPulsar({
    directory: join(directory, folder),
    venvDirectory: VENV,
    environment: pulsarEnvironment(),
    reportName: REPORT,
    logger: createKeptLog().logger,
  });
  pulsars.push(pulsar);
  return pulsar;
};

const endpoint = async (): Promise<{ readonly url: string; readonly token: string }> => {
  const text = await readFile(join(directory, 'pulsar', 'state.json'), 'utf8');
  const { port, privateToken } = JSON.parse(text) as { port: number; privateToken: string };
  return { url: `http://127.0.0.1:${String(port)}`, token: privateToken };
};

jobTransportContract({
  name: 'embedded',
  async setup() {
    await pulsarInstallation();
    directory = await mkdtemp(join(tmpdir(), 'magnetar-embedded-'));
    const pulsar = create('pulsar');
    const { transport } = pulsar;
    await pulsar.start(anySignal(), () => undefined);
    const { url, token } = await endpoint();
    const tokens = [WRONG, token];
    return {
      transport,
      wrongToken: createRestTransport({ url, privateToken: WRONG, reportName: REPORT }),
      down: create('never-started').transport,
      secrets: () => tokens,
      async restart(signal) {
        const before = pulsar.pid() ?? 0;
        signalTo(before, signal);
        const isBack = async (): Promise<boolean> => {
          if (pulsar.pid() === before) return false;
          return transport.probe({ signal: anySignal() }).then(
            () => true,
            () => false,
          );
        };
        await until(isBack, { timeoutMs: 60_000, what: 'next Pulsar' });
        tokens.push((await endpoint()).token);
      },
      freeze: () => freeze(pulsar.pid() ?? 0),
    };
  },
  async teardown() {
    for (const pulsar of pulsars) await pulsar.stop();
    await rm(directory, { recursive: true, force: true });
  },
});
