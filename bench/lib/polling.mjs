/** 1,000 clients that each ask for the state of a task once a second, as workflow engines do: how long the answers take, and what they cost. */
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { TASK } from './api.mjs';
import { compare } from './report.mjs';
import { startBaseline, startMagnetar } from './server.mjs';

const CLIENTS = 1000;
const EVERY_MS = 1000;
const WARM_UP_S = 3;
const RUN_S = 15;

const create = async (url) => {
  const response = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(TASK),
  });
  return (await response.json()).id;
};

/** Milliseconds until the answer is whole. */
const ask = (url, agent) =>
  new Promise((resolve, reject) => {
    const start = performance.now();
    get(url, { agent }, (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - start);
        else reject(new Error(`status ${response.statusCode}`));
      });
    }).on('error', reject);
  });

/** One client at its own moment of each second, whatever the last answer took. */
const poll = async ({ url, agent }, { offset, until, onAnswer, onError }) => {
  for (let at = offset; at < until; at += EVERY_MS) {
    await sleep(Math.max(0, at - performance.now()));
    await ask(url, agent).then(onAnswer, onError);
  }
};

const p99Of = (sorted) => sorted[Math.floor(sorted.length * 0.99)] ?? Infinity;

const pollFor = async (clients, seconds) => {
  const times = [];
  const errors = [];
  const start = performance.now();
  const until = start + seconds * 1000;
  await Promise.all(
    clients.map((client, n) =>
      poll(client, {
        offset: start + (n * EVERY_MS) / clients.length,
        until,
        onAnswer: (ms) => times.push(ms),
        onError: (error) => errors.push(error),
      }),
    ),
  );
  times.sort((a, b) => a - b);
  return { count: times.length + errors.length, p99: p99Of(times), errors: errors.length };
};

/** Each client has a connection of its own, opened by the warm-up. */
const measure = async (urls) => {
  const clients = urls.map((url) => ({
    url,
    agent: new Agent({ keepAlive: true, maxSockets: 1 }),
  }));
  try {
    await pollFor(clients, WARM_UP_S);
    return await pollFor(clients, RUN_S);
  } finally {
    for (const { agent } of clients) agent.destroy();
  }
};

const createTasks = async (url) => {
  const urls = [];
  for (let n = 0; n < CLIENTS; n += 1) urls.push(`${url}/v1/tasks/${await create(url)}`);
  return urls;
};

/** Beside it the same load on a server that does nothing: on a busy machine that is what the machine costs. */
export const measurePolling = async () => {
  const baseline = await startBaseline();
  const beside = await measure(
    Array.from({ length: CLIENTS }, () => `${baseline.url}/constant/60`),
  ).finally(() => baseline.stop());
  const server = await startMagnetar({ runtime: 'bubblewrap', maxJobs: 0 });
  try {
    const urls = await createTasks(server.url);
    const [cpu, start] = [server.cpuSeconds(), performance.now()];
    const { count, p99, errors } = await measure(urls);
    const cores = ((server.cpuSeconds() - cpu) * 1000) / (performance.now() - start);
    const who = `${String(CLIENTS)} clients polling each second`;
    return [
      {
        ...compare({
          measure: `${who}: p99`,
          ours: p99,
          beside: beside.p99,
          unit: 'ms',
          atMost: 1,
        }),
        aim: '<= 50 ms',
        met: p99 <= 50,
      },
      {
        measure: `${who}: errors of ${String(count)}`,
        ours: errors,
        beside: beside.errors,
        unit: '',
        aim: '0',
        met: errors === 0,
      },
      { measure: `${who}: processor`, ours: cores, unit: 'cores', aim: '<= 1', met: cores <= 1 },
    ];
  } finally {
    await server.stop();
  }
};
