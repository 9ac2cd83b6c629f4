/** The task of the quick start: a real file in, a real file out. */
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runInGroup } from './interrupt.mjs';
import { inRoot, runQuiet } from './run.mjs';
import { Stop } from './stop.mjs';

export const EXAMPLE = 'examples/md5.json';

/** Lays the example and its input into DATA/quickstart, the one folder that tasks may use; answers the folder. */
export const prepareExample = (data) => {
  const folder = path.resolve(data, 'quickstart');
  try {
    mkdirSync(folder, { recursive: true });
    for (const name of ['md5.json', 'input.txt']) {
      copyFileSync(inRoot('examples', name), path.join(folder, name));
    }
  } catch ({ message }) {
    throw new Stop(
      `cannot write the data directory (${message}); take another: npm run quickstart -- --data DIR`,
    );
  }
  return folder;
};

const TES = inRoot('bin', 'tes');

const tes = (run, url, ...args) =>
  run(process.execPath, [TES, ...args], { env: { ...process.env, TES_URL: url } });

const show = (say, title, file) => {
  say(`\n${title} (${file})`);
  say(`  ${readFileSync(file, 'utf8').trimEnd()}`);
};

const submit = async (url, file) => {
  const { code, output } = await tes(runQuiet, url, 'submit', file);
  if (code !== 0) throw new Stop(`the example was not taken: ${output.trim()}`);
  return output.trim();
};

/** Submits the example, follows its states, shows log and output. */
export const runExample = async ({ url, folder, say }) => {
  const id = await submit(url, path.join(folder, 'md5.json'));
  const code = await tes(runInGroup, url, 'wait', id, '--timeout', '300');
  say('\nits log');
  await tes(runInGroup, url, 'logs', id);
  if (code !== 0) throw new Stop('the example did not end as COMPLETE, see above');
  show(say, 'the input', path.join(folder, 'input.txt'));
  show(say, 'the output', path.join(folder, 'output.md5'));
};
