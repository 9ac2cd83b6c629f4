/** The programs that others would use for the same: curl, rclone, cp. Each answers the seconds it took. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { prepareRclone, rclone } from './rclone.mjs';

const run = promisify(execFile);

/** Files that a loop of curl processes is given: enough to know its rate. */
const LOOP_FILES = 100;

const timed = async (work) => {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
};

const LOOP = {
  in: 'while read -r from to; do curl -sSf "$@" -o "$to" "$from" || exit; done',
  out: 'while read -r from to; do curl -sSf "$@" -T "$from" "$to" || exit; done',
};

const feed = (command, args, lines) => {
  const running = run(command, args, { maxBuffer: 1 << 26 });
  running.child.stdin.end(lines.join('\n') + '\n');
  return running;
};

/** From and to of each file. */
const pairsOf = ({ way, shelf, shape: { folder, names }, source, local, target }) =>
  names.map((name) =>
    way === 'in'
      ? [`${shelf.curlBase}/${folder}/${name}`, join(local, name)]
      : [join(source, folder, name), `${shelf.curlBase}/${target}/${name}`],
  );

const makeFolders = ({ way, local, shape: { names } }) => {
  if (way === 'out') return;
  for (const folder of new Set(names.map((name) => dirname(join(local, name))))) {
    mkdirSync(folder, { recursive: true });
  }
};

/** One process for each file. */
export const curlLoop = async (job) => {
  makeFolders(job);
  const lines = pairsOf(job)
    .slice(0, LOOP_FILES)
    .map((pair) => pair.join(' '));
  const seconds = await timed(() =>
    feed('sh', ['-c', LOOP[job.way], 'sh', ...job.shelf.curl], lines),
  );
  return (seconds * job.shape.names.length) / lines.length;
};

/** One process for all, over a connection that is kept. */
export const curlKept = (job) => {
  makeFolders(job);
  const list = pairsOf(job).flatMap(([from, to]) =>
    job.way === 'in'
      ? [`url = "${from}"`, `output = "${to}"`]
      : [`upload-file = "${from}"`, `url = "${to}"`],
  );
  const path = `${job.local}.list`;
  writeFileSync(path, list.join('\n'));
  return timed(() =>
    run('curl', ['-sSf', ...job.shelf.curl, '-K', path], { maxBuffer: 1 << 26 }),
  ).finally(() => rmSync(path));
};

export const copy = ({ way, shelf, source, shape: { folder }, local, target }) =>
  way === 'in'
    ? timed(() => run('cp', ['-r', join(shelf.root, folder), local]))
    : timed(() => run('cp', ['-r', join(source, folder), join(shelf.root, target)]));

export const rcloneCopy = async ({ way, shelf, source, shape: { folder }, local, target }) => {
  const binary = await prepareRclone();
  const { env, remote } = rclone(shelf);
  const from = way === 'in' ? `${remote}${folder}` : join(source, folder);
  const to = way === 'in' ? local : `${remote}${target}`;
  const args = ['copy', from, to, '--transfers', '8', '--checkers', '8'];
  return timed(() => run(binary, args, { env }));
};
