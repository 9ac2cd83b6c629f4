/** argv → command → exit code. The only place with process.exit and signal handlers. */
import { createApp } from './app.ts';
import { findPythonOf } from './app/adapters.ts';
import { EXIT } from './cli/exit-codes.ts';
import { runMagnetar } from './cli/magnetar.ts';
import { createOutput } from './cli/output.ts';
import { createPresses } from './cli/presses.ts';
import { readEnvironment } from './config/environment.ts';

const environment = readEnvironment();
const { press, stop, cancel } = createPresses({
  now: () => performance.now(),
  endAtOnce: () => process.exit(EXIT.forced),
});

for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, press);
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => undefined); // a reader that has gone, or a full disk, must not end a server
}

const code = await runMagnetar(process.argv.slice(2), {
  environment,
  output: createOutput(process.stdout, process.stderr),
  stderr: process.stderr,
  stdin: process.stdin,
  createApp: (input) => createApp({ ...input, environment }),
  findPython: (destination, signal) => findPythonOf(destination, environment, signal),
  stop,
  cancel,
});
process.exit(code);
