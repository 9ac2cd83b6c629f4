/** The server of the quick start as a child: port check, start, readiness, forwarding of Ctrl-C. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isInterrupted } from './interrupt.mjs';
import { inRoot } from './run.mjs';
import { Stop } from './stop.mjs';

const HOST = '127.0.0.1';

/** Throws Stop when the text is no port, or something listens there already. */
export const assertPortFree = (text) => {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new Stop(`--port ${text}: must be a number from 1 to 65535`);
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', ({ message }) => {
      const other = `npm run quickstart -- --port ${port < 65_535 ? port + 1 : 8080}`;
      reject(
        new Stop(
          `port ${port} cannot be used (${message}); perhaps Magnetar runs already. Another port: ${other}`,
        ),
      );
    });
    probe.listen({ host: HOST, port }, () => probe.close(() => resolve()));
  });
};

const READY_LIMIT_MS = 10 * 60 * 1000;
const READY_PAUSE_MS = 100;

const isReady = async (url) => {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
    return response.status === 200;
  } catch {
    return false;
  }
};

const waitUntilReady = async (url, hasEnded) => {
  const deadline = performance.now() + READY_LIMIT_MS;
  while (performance.now() < deadline) {
    if (hasEnded()) throw new Stop('the server did not start, see above');
    if (await isReady(url)) return;
    await sleep(READY_PAUSE_MS);
  }
  throw new Stop(`the server is not ready after ${READY_LIMIT_MS / 60_000} minutes; see above`);
};

const spawnServer = ({ port, data, allow, settings }) =>
  spawn(
    process.execPath,
    [
      inRoot('bin', 'magnetar'),
      'serve',
      '--host',
      HOST,
      '--port',
      port,
      '--data',
      data,
      '--allow',
      allow,
    ],
    {
      cwd: inRoot(),
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true, // Ctrl-C reaches it through us, once
      env: {
        MAGNETAR_LOG__FORMAT: 'text',
        MAGNETAR_LOG__LEVEL: 'warn',
        ...settings,
        ...process.env,
      },
    },
  );

/** Starts the server and answers when tasks can run. Its progress lines appear between ours. */
export const startServer = async (options) => {
  const url = `http://localhost:${options.port}`;
  const child = spawnServer(options);
  let over = false;
  const ended = new Promise((resolve) => {
    child.once('close', (code) => {
      over = true;
      resolve(code ?? 1);
    });
  });
  const forward = (signal) => {
    if (!over) child.kill(signal);
  };
  process.on('SIGINT', forward);
  process.on('SIGTERM', forward);
  process.on('SIGHUP', () => forward('SIGTERM')); // the terminal has been closed
  const stop = () => {
    if (!isInterrupted()) forward('SIGTERM'); // else it is stopping, and a second signal would force it
    return ended;
  };
  try {
    await waitUntilReady(url, () => over);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, ended, stop };
};
