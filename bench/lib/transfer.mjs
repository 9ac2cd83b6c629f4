/**
 * Data of tasks in and out, beside curl, rclone and cp on the same servers, in turns: the medians of the ratios of neighbours.
 * Ours is timed by the report of the job: inputs from its start to the start of the executor, outputs from the end of the executor to its own.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compare, median } from './report.mjs';
import { startMagnetar } from './server.mjs';
import { CELLS, MOUNT } from './transfer/cells.mjs';
import { bringIn, idle, takeOut } from './transfer/ours.mjs';
import { prepareRclone } from './transfer/rclone.mjs';
import { linkData, makeData, SHAPES, sizeOf } from './transfer/shapes.mjs';
import { startStorages } from './transfer/storages.mjs';

const MOST_GROWTH_MIB = 64;
const MOUNT_ROUNDS = 7;
const MIB = 1024 * 1024;

const remove = (path) => rmSync(path, { recursive: true, force: true });

const ours = (bench, cell, shape) => {
  const shelf = bench.storages.shelves[cell.route];
  const job = { ...cell, shelf, shape, source: bench.data, target: 'ours' };
  const move = cell.way === 'in' ? bringIn : takeOut;
  return move(bench.server, job).finally(() => remove(join(shelf.root, 'ours')));
};

const theirs = async (bench, { way, route, shape }, run) => {
  const shelf = bench.storages.shelves[route];
  const local = join(bench.directory, 'local');
  if (!(route === 'file mount')) mkdirSync(local);
  const job = { way, shelf, shape: SHAPES[shape], source: bench.data, local, target: 'theirs' };
  try {
    return await run(job);
  } finally {
    remove(local);
    remove(join(shelf.root, 'theirs'));
  }
};

/** Of a few bytes first, so that what is loaded once is there. */
const roundsOf = async (bench, cell) => {
  await ours(bench, cell, SHAPES.small);
  const rounds = [];
  for (let n = 0; n < bench.rounds; n += 1) {
    const beside = [];
    const own = await ours(bench, cell, SHAPES[cell.shape]);
    for (const { run } of cell.besides) beside.push(await theirs(bench, cell, run));
    rounds.push({ own, beside });
  }
  return rounds;
};

const memoryRow = (measure, values) => {
  const grown = Math.max(0, ...values);
  const aim = `<= ${String(MOST_GROWTH_MIB)}`;
  return { measure, ours: grown, unit: 'MiB', aim, met: grown <= MOST_GROWTH_MIB };
};

const measureCell = async (bench, cell) => {
  const rounds = await roundsOf(bench, cell);
  const shape = SHAPES[cell.shape];
  const isLarge = cell.shape === 'large';
  const amount = isLarge ? sizeOf(shape, bench.largeMib) / MIB : shape.names.length;
  const rates = cell.besides.map(({ name, atLeast }, n) => {
    const seconds = rounds.map(({ own, beside }) => [own.seconds, beside[n]]);
    const row = compare({
      measure: `${cell.name} / ${name}`,
      ours: amount / median(seconds.map(([own]) => own)),
      beside: amount / median(seconds.map(([, other]) => other)),
      unit: isLarge ? 'MiB/s' : 'files/s',
      ratio: median(seconds.map(([own, other]) => other / own)),
      atLeast,
    });
    return atLeast === undefined ? { ...row, aim: '', met: undefined } : row;
  });
  const memory = (name, of) => memoryRow(`${cell.name}: ${name} grows`, rounds.map(of));
  return [
    ...rates,
    memory('server', ({ own }) => own.server),
    memory('runner', ({ own }) => own.runner - bench.idleRunner),
  ];
};

/** A file that is shown where it lies costs the same however long it is. */
const measureMount = async (bench) => {
  const times = [];
  for (let n = 0; n < MOUNT_ROUNDS; n += 1) {
    const large = await ours(bench, MOUNT, SHAPES.sparse);
    const small = await ours(bench, MOUNT, SHAPES.small);
    times.push([large.seconds * 1000, small.seconds * 1000]);
  }
  const measure = `${MOUNT.name} / of 1 KiB`;
  return [
    compare({
      ...{ measure, unit: 'ms', atMost: 1.1 },
      ours: median(times.map(([large]) => large)),
      beside: median(times.map(([, small]) => small)),
      ratio: median(times.map(([large, small]) => large / small)),
    }),
  ];
};

const startServer = async (storages, direct) => {
  const server = await startMagnetar({
    runtime: 'bubblewrap',
    maxJobs: 1,
    more: storages.config,
    destination: `direct = ${JSON.stringify(direct)}\n`,
  });
  const found = [];
  for (let n = 0; n < 3; n += 1) found.push((await idle(server)).runner);
  return { server, idleRunner: median(found) };
};

/** Once in the folder for files, and under the roots of all other storages that are wanted. */
const spread = (bench, cells) => {
  for (const shape of new Set(['small', ...cells.map((cell) => cell.shape ?? 'sparse')])) {
    makeData(bench.data, shape, bench.largeMib);
    const roots = new Set(cells.map(({ route }) => bench.storages.shelves[route].root));
    for (const root of roots) if (root !== bench.data) linkData(bench.data, root, SHAPES[shape]);
  }
};

export const measureTransfer = async ({ only, large, rounds }) => {
  const directory = mkdtempSync(join(tmpdir(), 'magnetar-transfer-'));
  const cells = [...CELLS, MOUNT].filter(({ name }) => name.includes(only));
  if (cells.some(({ besides = [] }) => besides.some(({ name }) => name === 'rclone'))) {
    await prepareRclone();
  }
  const schemes = cells.map(({ route }) => route.split(' ')[0]);
  const storages = await startStorages(directory, schemes);
  const data = join(directory, 'files');
  const common = { directory, data, storages, largeMib: Number(large), rounds: Number(rounds) };
  const servers = new Map();
  try {
    spread(common, cells);
    const rows = [];
    for (const cell of cells) {
      const key = cell.direct.join();
      if (!servers.has(key)) servers.set(key, await startServer(storages, cell.direct));
      const bench = { ...common, ...servers.get(key) };
      const found = await (cell === MOUNT ? measureMount(bench) : measureCell(bench, cell));
      for (const { measure, ours: own, unit, ratio } of found) {
        const beside = ratio === undefined ? '' : `, ratio ${ratio.toFixed(2)}`;
        process.stderr.write(`  ${measure}: ${own.toFixed(1)} ${unit}${beside}\n`);
      }
      rows.push(...found);
    }
    return rows;
  } finally {
    for (const { server } of servers.values()) await server.stop();
    await storages.stop();
    remove(directory);
  }
};
