/** A whole server that kills itself with SIGKILL at the point it was told; otherwise the one that bin/magnetar runs. */
import { createApp } from '../../../src/app.ts';
import { findPythonOf } from '../../../src/app/adapters.ts';
import { runMagnetar } from '../../../src/cli/magnetar.ts';
import { createOutput } from '../../../src/cli/output.ts';
import { readEnvironment } from '../../../src/config/environment.ts';
import { DEFAULT_TIMING } from '../../../src/dispatcher/timing.ts';
import type { JobTransport } from '../../../src/tasks/ports/job-transport.ts';
import type { TaskStore } from '../../../src/tasks/ports/task-store.ts';
import type { Inbox, TaskHead } from '../../../src/tasks/task.ts';
import { CHAOS_VARIABLE, type ChaosPoint } from './chaos.ts';

const environment = readEnvironment();
const point = JSON.parse(environment[CHAOS_VARIABLE] ?? 'null') as ChaosPoint | null;

const dieIf = (fits: boolean): void => {
  if (fits) process.kill(process.pid, 'SIGKILL');
};

/** Runs the call and dies before or after it, when it is the chosen one. */
const around = async <Value>(fits: boolean, call: () => Promise<Value>): Promise<Value> => {
  dieIf(fits && point?.when === 'before');
  const value = await call();
  dieIf(fits && point?.when === 'after');
  return value;
};

const isCall = (call: ChaosPoint['call']): boolean => point?.call === call;

const fitsHead = (head: TaskHead): boolean =>
  (point?.state === undefined || point.state === head.state) &&
  (point?.point === undefined || point.point === head.run?.point);

const fitsFacts = (facts: Inbox): boolean =>
  point?.fact === undefined || facts[point.fact] !== undefined;

const deadlyStore = (store: TaskStore): TaskStore => ({
  ...store,
  create: (task, parts, options) =>
    around(isCall('create'), () => store.create(task, parts, options)),
  write: (id, guard, head, options) =>
    around(isCall('write') && fitsHead(head), () => store.write(id, guard, head, options)),
  inbox: (id, job, facts, options) =>
    around(isCall('inbox') && fitsFacts(facts), () => store.inbox(id, job, facts, options)),
  wish: (id, scope, wish, options) =>
    around(isCall('wish'), () => store.wish(id, scope, wish, options)),
});

/** The check jobs of the start are attempt 0. */
const deadlyTransport = (transport: JobTransport): JobTransport => ({
  ...transport,
  submit: (job, files, options) =>
    around(isCall(job.endsWith('-0-1') ? 'check' : 'submit'), () =>
      transport.submit(job, files, options),
    ),
  upload: (job, name, open, options) =>
    around(isCall('upload') && point?.file === name, () =>
      transport.upload(job, name, open, options),
    ),
  collect: (job, name, take, options) =>
    around(isCall('collect') && point?.file === name, () =>
      transport.collect(job, name, take, options),
    ),
  askToStop: (job, options) => around(isCall('askToStop'), () => transport.askToStop(job, options)),
});

const stop = new AbortController();
process.on('SIGTERM', () => {
  stop.abort();
});

process.exitCode = await runMagnetar(process.argv.slice(2), {
  environment,
  output: createOutput(process.stdout, process.stderr),
  stderr: process.stderr,
  stdin: process.stdin,
  findPython: (destination, limit) => findPythonOf(destination, environment, limit),
  createApp: (input) =>
    createApp({
      ...input,
      environment,
      timing: {
        ...DEFAULT_TIMING,
        quietMs: 1_500,
        settleMs: 6_500,
        silenceMs: 15_000,
        startMs: 15_000,
      },
      decorateStore: deadlyStore,
      decorateTransport: deadlyTransport,
    }),
  stop: stop.signal,
  cancel: new AbortController().signal,
});
process.exit();
