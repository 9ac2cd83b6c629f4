/** T1-T84 by the built command against the built server with a real Pulsar, where tasks run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runCommand } from '../support/built-commands.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import type { Report } from '../../src/conformance/run.ts';
import { notPassed } from './run.ts';

const ORIGIN = 'https://portal.example.org';

let site: Site;
let server: Server;

beforeAll(async () => {
  site = await createSite({ config: `[server]\nallowed_origins = ["${ORIGIN}"]` });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
});

it('nothing fails, nothing is skipped, and all tasks have ended', async () => {
  const storage = join(site.files, 'conformance');
  mkdirSync(storage);
  const flags = ['--json', '--storage', `file://${storage}`, '--origin', ORIGIN];
  const { code, stdout, said } = await runCommand('magnetar', [
    'conformance',
    server.url,
    ...flags,
  ]);
  expect(stdout, said).toMatch(/^\{/);
  const report = JSON.parse(stdout) as Report;
  expect(notPassed(report)).toEqual([]);
  expect(report.tasks.left).toEqual([]);
  expect(code).toBe(0);
});
