/** Real container engines for tests, with a busybox image made without a registry; the runner's own test lab in a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const LAB = fileURLToPath(new URL('../../runner/tests/support/serve_lab.py', import.meta.url));

export type Engine = 'docker' | 'podman';

export interface Engines {
  /** Variables by which the engines' command lines find them. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export const startEngines = async (engines: readonly Engine[]): Promise<Engines> => {
  const folder = mkdtempSync(join(tmpdir(), 'lab-'));
  const child = spawn('python3', [LAB, folder, ...engines], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) =>
    String(text),
  );
  const text = await Promise.race([
    line,
    exit.then(() => {
      throw new Error('the engines do not start');
    }),
  ]);
  return {
    environment: JSON.parse(text) as Record<string, string>,
    async stop() {
      child.stdin.end();
      await exit;
    },
  };
};
