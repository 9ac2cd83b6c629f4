/** Create, get and list against a bare Express route, with 10,000 tasks stored. */
import { load, pair } from './load.mjs';
import { compare } from './report.mjs';
import { startBaseline, startMagnetar } from './server.mjs';

const STORED = 10_000;
export const TASK = {
  name: 'bench task',
  description: 'one of many',
  inputs: [{ content: 'hello', path: '/work/in.txt' }],
  executors: [{ image: 'alpine', command: ['md5sum', '/work/in.txt'], workdir: '/work' }],
  resources: { cpu_cores: 1, ram_gb: 1 },
  tags: { project: 'bench', sample: 's1' },
};

const measureCreate = async (server, baseline, duration) => {
  const rows = [];
  const request = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(TASK),
    duration,
  };
  for (const [connections, atLeast] of [
    [1, 0.35],
    [8, 0.6],
    [32, 0.6],
  ]) {
    const { ours, beside } = await pair(
      { ...request, url: `${server.url}/v1/tasks`, connections },
      { ...request, url: `${baseline.url}/create`, connections },
    );
    rows.push(
      compare({
        measure: `create, ${connections} connections`,
        ours: ours.rate,
        beside: beside.rate,
        unit: '/s',
        atLeast,
      }),
    );
    if (connections === 32) {
      rows.push(
        compare({
          measure: 'create p99, 32 connections',
          ours: ours.p99,
          beside: Math.max(1, beside.p99),
          unit: 'ms',
          atMost: 3,
        }),
      );
    }
  }
  return rows;
};

const fill = async (server) => {
  const { tasks } = await (await fetch(`${server.url}/v1/tasks?page_size=1`)).json();
  if (tasks.length === 0) throw new Error('nothing was created');
  await load({
    url: `${server.url}/v1/tasks`,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...TASK, name: 'other task', tags: { project: 'other' } }),
    connections: 8,
    amount: STORED,
  });
  return tasks[0].id;
};

const measureReads = async (server, baseline, duration, id) => {
  const reads = [
    ['get MINIMAL', `/v1/tasks/${id}`, 0.6],
    ['list 256 MINIMAL', '/v1/tasks', 0.3],
    ['list 256 BASIC', '/v1/tasks?view=BASIC', 0.3],
  ];
  const rows = [];
  for (const [measure, path, atLeast] of reads) {
    const url = `${server.url}${path}`;
    const bytes = (await (await fetch(url)).arrayBuffer()).byteLength;
    const { ours, beside } = await pair(
      { url, connections: 8, duration },
      { url: `${baseline.url}/constant/${bytes}`, connections: 8, duration },
    );
    rows.push(compare({ measure, ours: ours.rate, beside: beside.rate, unit: '/s', atLeast }));
  }
  return rows;
};

const measureFilters = async (server, duration) => {
  const filters = [
    ['state', 'state=QUEUED'],
    ['tag', 'tag_key=project&tag_value=bench'],
    ['prefix', 'name_prefix=bench'],
  ];
  const rows = [];
  for (const [name, query] of filters) {
    const { ours, beside } = await pair(
      { url: `${server.url}/v1/tasks?${query}`, connections: 1, duration },
      { url: `${server.url}/v1/tasks`, connections: 1, duration },
    );
    rows.push(
      compare({
        measure: `list by ${name}, time of a page`,
        ours: 1000 / ours.rate,
        beside: 1000 / beside.rate,
        unit: 'ms',
        atMost: 2,
      }),
    );
  }
  return rows;
};

export const measureApi = async ({ seconds }) => {
  const server = await startMagnetar({ runtime: 'bubblewrap', maxJobs: 0 });
  const baseline = await startBaseline();
  try {
    const created = await measureCreate(server, baseline, seconds);
    const id = await fill(server);
    return [
      ...created,
      ...(await measureReads(server, baseline, seconds, id)),
      ...(await measureFilters(server, seconds)),
    ];
  } finally {
    await server.stop();
    await baseline.stop();
  }
};
