/** `npm run quickstart` where it does not come to its end: refused arguments, Ctrl-C on the way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testEnvironment } from '../support/pulsar/venv.ts';
import { freePort } from '../support/pulsar/process.ts';
import { createTempFolder } from '../support/temp-folder.ts';
import { until } from '../support/until.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/quickstart.mjs', import.meta.url));

const quickstart = (...argv: readonly string[]) => {
  const child = spawn(process.execPath, [SCRIPT, ...argv], { env: testEnvironment() });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  return { child, ended, said: () => said };
};

describe('npm run quickstart', () => {
  it.each([
    [['--prot', '1'], "Unknown option '--prot'"],
    [['--port', 'abc'], '--port abc: must be a number from 1 to 65535'],
    [['--port', '99999'], '--port 99999: must be a number from 1 to 65535'],
  ])('refuses %j in a line', async (argv, message) => {
    const { ended, said } = quickstart(...argv);
    expect(await ended).toBe(1);
    expect(said()).toContain(`quickstart: ${message}`);
    expect(said()).not.toContain('    at ');
  });

  it('ends with 130 when Ctrl-C comes before the server is ready, and says how to go on', async () => {
    const port = String(await freePort());
    const { child, ended, said } = quickstart('--data', createTempFolder(), '--port', port);
    await until(() => said().includes('making a Python environment'), {
      timeoutMs: 60_000,
      what: 'the server to start',
    });
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(said()).toContain('npm run quickstart goes on from here');
    expect(said()).not.toContain('quickstart: ');
  });
});
