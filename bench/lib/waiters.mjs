/** What 1,000 requests that wait for a change (`Prefer: wait`) cost: processor time while nothing happens, and the rate of others. */
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from './load.mjs';
import { compare } from './report.mjs';
import { startMagnetar } from './server.mjs';

const WAITERS = 1000;
const TASK = { executors: [{ image: 'any', command: ['true'] }] };
const TICKS_PER_S = 100;
const IDLE_S = 5;

const create = async (url) => {
  const response = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(TASK),
  });
  return (await response.json()).id;
};

/** Seconds of processor time a process has used. */
const processorTime = (pid) => {
  const fields = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
    .split(') ')[1]
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
};

const idleCost = async (pid) => {
  const before = processorTime(pid);
  await sleep(IDLE_S * 1000);
  return ((processorTime(pid) - before) / IDLE_S) * 100;
};

/** Opens the requests; `answered` resolves with the status of each. */
const openWaiters = (url) => {
  const agent = new Agent({ keepAlive: true });
  const one = () =>
    new Promise((resolve, reject) => {
      get(url, { agent, headers: { prefer: 'wait=60' } }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
  const answered = Promise.all(Array.from({ length: WAITERS }, one));
  return { answered, close: () => agent.destroy() };
};

export const measureWaiters = async ({ seconds }) => {
  const server = await startMagnetar({ runtime: 'bubblewrap', maxJobs: 0 });
  try {
    const [waited, other] = [await create(server.url), await create(server.url)];
    const reads = { url: `${server.url}/v1/tasks/${other}`, connections: 8, duration: seconds };
    await load(reads);
    const rateAlone = (await load(reads)).requests.average;
    const idleAlone = await idleCost(server.pid);
    const memory = server.memoryMiB();
    const { answered, close } = openWaiters(`${server.url}/v1/tasks/${waited}`);
    await sleep(2000);
    const idleBeside = await idleCost(server.pid);
    const rateBeside = (await load(reads)).requests.average;
    const memoryEach = ((server.memoryMiB() - memory) * 1024) / WAITERS;
    const start = performance.now();
    await fetch(`${server.url}/v1/tasks/${waited}:cancel`, { method: 'POST' });
    const statuses = await answered;
    const ms = performance.now() - start;
    close();
    if (statuses.some((status) => status !== 200)) throw new Error('a waiter was refused');
    return [
      {
        measure: `processor while ${String(WAITERS)} wait, above idle`,
        ours: Math.max(0, idleBeside - idleAlone),
        unit: '% core',
        aim: '<= 1',
        met: idleBeside - idleAlone <= 1,
      },
      compare({
        measure: `get MINIMAL beside ${String(WAITERS)} who wait`,
        ours: rateBeside,
        beside: rateAlone,
        unit: '/s',
        atLeast: 0.9,
      }),
      {
        measure: `change until all ${String(WAITERS)} are answered`,
        ours: ms,
        unit: 'ms',
        aim: '<= 1000',
        met: ms <= 1000,
      },
      {
        measure: 'memory of one who waits',
        ours: memoryEach,
        unit: 'KiB',
        aim: '<= 128',
        met: memoryEach <= 128,
      },
    ];
  } finally {
    await server.stop();
  }
};
