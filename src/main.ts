/** argv → command → exit code. The only place with process.exit and signal handlers. */
import { createApp } from './app.ts';
import { runMagnetar } from './cli/magnetar.ts';
import { createOutput } from './cli/output.ts';
import { readEnvironment } from './config/environment.ts';

const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** One Ctrl-C can arrive twice: from the terminal, and handed on by the program that started this one. */
const SAME_PRESS_MS = 300;

const environment = readEnvironment();
const stop = new AbortController();
const cancel = new AbortController();

let firstAt = 0;

for (const name of STOP_SIGNALS) {
  process.on(name, () => {
    if (!stop.signal.aborted) {
      firstAt = performance.now();
      stop.abort();
    } else if (performance.now() - firstAt > SAME_PRESS_MS) cancel.abort();
  });
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', () => undefined); // a reader that has gone, or a full disk, must not end a server
}

const code = await runMagnetar(process.argv.slice(2), {
  environment,
  output: createOutput(process.stdout, process.stderr),
  stderr: process.stderr,
  createApp: (input) => createApp({ ...input, environment }),
  stop: stop.signal,
  cancel: cancel.signal,
});
process.exit(code);
