/** Starts an embedded Pulsar in the folder of argv and stays; tests kill it to see what a crash of the server leaves. */
import { createEmbeddedPulsar } from '../../../src/pulsar/embedded/embedded-pulsar.ts';
import { createKeptLog } from './kept-log.ts';
import { REPORT, anySignal } from './jobs.ts';
import { VENV, pulsarEnvironment } from './venv.ts';

const pulsar = createEmbeddedPulsar({
  directory: process.argv[2] ?? '',
  venvDirectory: VENV,
  environment: pulsarEnvironment(),
  reportName: REPORT,
  logger: createKeptLog().logger,
});
await pulsar.start(anySignal(), () => undefined);
process.stdout.write(`${String(pulsar.pid())}\n`);
