/** Another process that swaps a folder for a link and back, over and over, until it is stopped. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** What others make under the name meanwhile is thrown away. */
const SWAP = `
const { renameSync, rmSync, symlinkSync } = require('node:fs');
const [folder, target] = process.argv.slice(1);
const trying = (work) => { try { work(); } catch {} };
const end = Date.now() + 60_000;
process.stdout.write('ready');
while (Date.now() < end) {
  renameSync(folder, folder + '.kept');
  trying(() => symlinkSync(target, folder));
  for (let back = false; !back; ) {
    trying(() => rmSync(folder, { recursive: true, force: true }));
    trying(() => { renameSync(folder + '.kept', folder); back = true; });
  }
}
`;

export const startSwapper = async (
  folder: string,
  target: string,
): Promise<() => Promise<void>> => {
  const child = spawn(process.execPath, ['-e', SWAP, folder, target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  await once(child.stdout, 'data');
  return async () => {
    child.kill('SIGKILL');
    await exit;
  };
};
