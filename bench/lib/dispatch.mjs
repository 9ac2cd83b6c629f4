/** From submit to COMPLETE, held against the same command by hand on the same Pulsar. */
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { compare, median } from './report.mjs';
import { startMagnetar } from './server.mjs';

const ROUNDS = 20;
const MANY = 100;
const HAND_AT_ONCE = 32;
const HAND_POLL_MS = 20;
const FULL_STORE = 10_000;

const AIMS = {
  bubblewrap: { single: 2, rate: 0.5 },
  podman: { single: 1.6, rate: 0.7 },
  docker: { single: 1.6, rate: 0.7 },
};

const ENDED = new Set(['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED']);

const createTask = async (server, image) => {
  const response = await fetch(`${server.url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'noop', executors: [{ image, command: ['true'] }] }),
  });
  return (await response.json()).id;
};

const untilComplete = async (server, id, everyMs) => {
  for (;;) {
    const { state } = await (await fetch(`${server.url}/v1/tasks/${id}`)).json();
    if (state === 'COMPLETE') return;
    if (ENDED.has(state)) throw new Error(`task ${id} ended as ${state}`);
    await sleep(everyMs);
  }
};

const ourOne = async (server, image) => {
  const start = performance.now();
  await untilComplete(server, await createTask(server, image), 5);
  return performance.now() - start;
};

const ourMany = async (server, image) => {
  const start = performance.now();
  const ids = await Promise.all(Array.from({ length: MANY }, () => createTask(server, image)));
  for (const id of ids) await untilComplete(server, id, 20);
  return MANY / ((performance.now() - start) / 1000);
};

let jobs = 0;

/** One call on a connection of its own: Pulsar closes idle ones after 2 s, which loses a call now and then. */
const callPulsar = ({ url, token }, method, path, query) =>
  new Promise((resolve, reject) => {
    const text = new URLSearchParams({ ...query, private_token: token }).toString();
    const call = request(`${url}/jobs${path}?${text}`, { method, agent: false }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (piece) => (body += piece));
      answer.on('end', () => resolve(body));
    });
    call.on('error', reject).end();
  });

/** Set up, submit, poll, clean, as a person would with curl. */
const handOne = async (pulsar, command) => {
  jobs += 1;
  const job = `hand-${String(process.pid)}-${String(jobs)}`;
  const call = (method, path, query = {}) => callPulsar(pulsar, method, path, query);
  const isOver = async () => JSON.parse(await call('GET', `/${job}/status`)).complete === 'true';
  const start = performance.now();
  await call('POST', '', { job_id: job });
  await call('POST', `/${job}/submit`, { command_line: command });
  while (!(await isOver())) await sleep(HAND_POLL_MS);
  const ms = performance.now() - start;
  await call('DELETE', `/${job}`);
  return ms;
};

const handMany = async (pulsar, command) => {
  const start = performance.now();
  let left = MANY;
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await handOne(pulsar, command);
    }
  };
  await Promise.all(Array.from({ length: HAND_AT_ONCE }, worker));
  return MANY / ((performance.now() - start) / 1000);
};

const fillStore = async (server) => {
  const body = JSON.stringify({
    executors: [{ image: 'x', command: ['true'] }],
    resources: { backend_parameters: { destination: 'nowhere' } },
  });
  for (let n = 0; n < FULL_STORE; n += 50) {
    await Promise.all(
      Array.from({ length: 50 }, () =>
        fetch(`${server.url}/v1/tasks`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        }).then((r) => r.text()),
      ),
    );
  }
};

const HAND = {
  bubblewrap: () => 'true',
  podman: (image) => `podman run --rm ${image} true`,
  docker: (image) => `docker run --rm --network none ${image} true`,
};

export const RUNTIMES = Object.keys(HAND);

export const measureDispatch = async ({ runtime, image }) => {
  const server = await startMagnetar({ runtime, maxJobs: 32 });
  const command = HAND[runtime](image);
  const aims = AIMS[runtime];
  try {
    const ours = [];
    const hand = [];
    await ourOne(server, image);
    await handOne(server.pulsar(), command);
    for (let n = 0; n < ROUNDS; n += 1) {
      ours.push(await ourOne(server, image));
      await sleep(700); // the clean-up of the job before must not count for the next
      hand.push(await handOne(server.pulsar(), command));
    }
    const manyOurs = await ourMany(server, image);
    await sleep(3000);
    const manyHand = await handMany(server.pulsar(), command);
    await fillStore(server);
    const memory = server.memoryMiB();
    return [
      compare({
        measure: `submit to COMPLETE, ${runtime}, median of ${ROUNDS}`,
        ours: median(ours),
        beside: median(hand),
        unit: 'ms',
        atMost: aims.single,
      }),
      compare({
        measure: `${MANY} at once, ${runtime}`,
        ours: manyOurs,
        beside: manyHand,
        unit: '/s',
        atLeast: aims.rate,
      }),
      {
        measure: 'memory after that, 10,000 stored',
        ours: memory,
        unit: 'MiB',
        aim: '<= 150',
        met: memory <= 150,
      },
    ];
  } finally {
    await server.stop();
  }
};
