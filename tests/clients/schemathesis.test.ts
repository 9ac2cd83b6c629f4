/** schemathesis, a property-based tester of APIs: every operation of both served documents on a real server, with a fixed seed. What it leaves out, and why, is in schemathesis.toml. */
import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiToken } from '../../src/access/tokens.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import type { WireTask } from '../support/server/tes-client.ts';
import { until } from '../support/until.ts';
import { install } from './support/client.ts';

const CASES = fileURLToPath(new URL('./schemathesis', import.meta.url));
const SEED = '1';
const EXAMPLES = '20';

/** Longer than what a task shows of it, so that the full log is a file. */
const LOG_BYTES = 2000;

const LOGGING = {
  executors: [{ image: 'any', command: ['head', '-c', String(LOG_BYTES), '/dev/zero'] }],
};

/** `jobs`: 0 lets what is created wait, so that no generated command ever runs. */
const configure = (site: Site, jobs: number): void => {
  const text = `
[auth]
modes = ["token"]
[limits]
tail_bytes = 100
[[destinations]]
name = "local"
transport = "embedded"
runtime = "bubblewrap"
max_jobs = ${String(jobs)}
`;
  writeFileSync(site.config, text);
};

const run = promisify(execFile);

let site: Site;
let server: Server;
let tester: string;
let token: string;
let logged: string;

const call = (path: string, init: RequestInit = {}) =>
  fetch(`${server.url}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });

/** A task that has ended and has a full log. */
const runLogging = async (): Promise<string> => {
  const created = await call('/tasks', { method: 'POST', body: JSON.stringify(LOGGING) });
  const { id } = (await created.json()) as { readonly id: string };
  const ended = async () => {
    const { state } = (await (await call(`/tasks/${id}`)).json()) as WireTask;
    return state === 'COMPLETE';
  };
  await until(ended, { timeoutMs: 60_000, what: 'the task that writes a log' });
  return id;
};

beforeAll(async () => {
  tester = await install('schemathesis');
  site = await createSite();
  cpSync(CASES, join(site.directory, 'cases'), { recursive: true });
  const created = '2026-01-01T00:00:00.000Z';
  token = await createApiToken(join(site.data, 'tokens.json'), { name: 'tester', created });
  configure(site, 1);
  server = await startServer(site);
  logged = await runLogging();
  await server.stop();
  configure(site, 0);
  server = await startServer(site);
  const isReady = async () => (await call('/readyz')).status === 200;
  await until(isReady, { timeoutMs: 60_000, what: 'the server to be ready' });
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

/** What it reports; its exit code is not 0 when a check failed. */
const test = async (document: string) => {
  const args = ['run', `${server.url}${document}`, '--seed', SEED, '--max-examples', EXAMPLES];
  const options = {
    cwd: join(site.directory, 'cases'),
    timeout: 240_000,
    env: {
      PATH: '/usr/bin:/bin',
      HOME: site.directory,
      TOKEN: token,
      FILES: site.files,
      TASK: logged,
    },
  };
  const program = join(tester, 'bin', 'schemathesis');
  return run(program, ['--config-file', 'schemathesis.toml', ...args], options).then(
    ({ stdout }) => ({ passed: true, report: stdout }),
    (error: unknown) => ({
      passed: false,
      report: String(Reflect.get(Object(error) as object, 'stdout')),
    }),
  );
};

describe('schemathesis', () => {
  it('T12, T47, T59: finds no fault in the operations of TES', async () => {
    const { passed, report } = await test('/openapi.json');
    expect(passed, report).toBe(true);
    expect(report).toMatch(/Selected: 5\/5\s+Tested: 5/);
    const { tasks } = (await (await call('/tasks?page_size=2000')).json()) as {
      readonly tasks: readonly WireTask[];
    };
    expect(tasks.length).toBeGreaterThan(20); // so that it met more than refusals
    expect(tasks.map(({ state }) => state)).toContain('CANCELED');
  });

  it('T12, T47: finds no fault in what is beside TES', async () => {
    const { passed, report } = await test('/ext/v1/openapi.json');
    expect(passed, report).toBe(true);
    expect(report).toMatch(/Selected: 4\/4\s+Tested: 4/);
  });
});
