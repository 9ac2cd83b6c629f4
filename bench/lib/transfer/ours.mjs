/** A task that does nothing but bring or take data; timed by its own report: to the start of its executor, or from its end. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchMemory } from './memory.mjs';

const POLL_MS = 100;
const ENDED = new Set(['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED']);
const IDLE = { executors: [{ image: 'any', command: ['true'] }] };

const run = async ({ url }, task) => {
  const created = await fetch(`${url}/v1/tasks`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...IDLE, ...task }),
  });
  const { id, ...refusal } = await created.json();
  if (id === undefined) throw new Error(JSON.stringify(refusal));
  for (;;) {
    const { state } = await (await fetch(`${url}/v1/tasks/${id}`)).json();
    if (ENDED.has(state)) break;
    await sleep(POLL_MS);
  }
  const ended = await (await fetch(`${url}/v1/tasks/${id}?view=FULL`)).json();
  if (ended.state !== 'COMPLETE') {
    throw new Error(`${ended.state}: ${String(ended.logs?.[0]?.system_logs)}`);
  }
  return ended.logs[0];
};

/** A file each, or the folder. */
const inputsOf = (base, { folder, names }, isFolder) =>
  isFolder
    ? [{ url: `${base}/${folder}/`, path: '/data/in', type: 'DIRECTORY' }]
    : names.map((name) => ({ url: `${base}/${folder}/${name}`, path: `/data/in/${name}` }));

const bring = (shelf, shape, isFolder) => ({ inputs: inputsOf(shelf.base, shape, isFolder) });

/** What is taken away is shown to the task where it lies, so that nobody has to make it first. */
const take = (shelf, source, { folder }, target) => ({
  inputs: [{ url: `file://${join(source, folder)}`, path: '/data/out', type: 'DIRECTORY' }],
  outputs: [{ url: `${shelf.base}/${target}`, path: '/data/out', type: 'DIRECTORY' }],
});

/** Seconds, and memory in MiB. */
const timed = async (server, task, secondsOf) => {
  const memory = watchMemory(server);
  const log = await run(server, task);
  return { seconds: secondsOf(log), ...memory.stop() };
};

const between = (from, to) => (Date.parse(to) - Date.parse(from)) / 1000;

export const bringIn = (server, { shelf, shape, isFolder }) =>
  timed(server, bring(shelf, shape, isFolder), ({ start_time, logs }) =>
    between(start_time, logs[0].start_time),
  );

export const takeOut = (server, { shelf, shape, source, target }) =>
  timed(server, take(shelf, source, shape, target), ({ end_time, logs }) =>
    between(logs[0].end_time, end_time),
  );

/** What a task without data costs. */
export const idle = (server) => timed(server, {}, () => 0);
