/** T1-T84 by the built command against the built server with a real Pulsar, where tasks run. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../support/built-commands.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import type { Report } from '../../src/conformance/run.ts';
import { notPassed } from './run.ts';

const ORIGIN = 'https://portal.example.org';

/** Runs a server for the tests of a block. */
const serverWith = (
  config: string,
): { readonly site: () => Site; readonly server: () => Server } => {
  let running: { readonly site: Site; readonly server: Server } | undefined;
  const known = () => {
    if (running === undefined) throw new Error('no server was started');
    return running;
  };
  beforeAll(async () => {
    const site = await createSite({ config });
    running = { site, server: await startServer(site) };
  });
  afterAll(async () => {
    await running?.server.stop();
    await running?.site.remove();
  });
  return { site: () => known().site, server: () => known().server };
};

describe('without access control', () => {
  const { site, server } = serverWith(`[server]\nallowed_origins = ["${ORIGIN}"]`);

  it('nothing fails, nothing is skipped, and all tasks have ended', async () => {
    const storage = join(site().files, 'conformance');
    mkdirSync(storage);
    const flags = ['--json', '--storage', `file://${storage}`, '--origin', ORIGIN];
    const { code, stdout, said } = await runCommand('magnetar', [
      'conformance',
      server().url,
      ...flags,
    ]);
    expect(stdout, said).toMatch(/^\{/);
    const report = JSON.parse(stdout) as Report;
    expect(notPassed(report)).toEqual([]);
    expect(report.tasks.left).toEqual([]);
    expect(code).toBe(0);
  });
});

/** One or more of each operation, and T7: service-info needs no credentials. */
const SOME = 'T1-T14,T43,T48-T55,T60,T65,T79-T84';

describe('with access control', () => {
  const { site, server } = serverWith('[auth]\nmodes = ["token"]');

  it('a token of a file opens all of it', async () => {
    const { directory, config, data } = site();
    const flags = ['--config', config, '--data', data];
    const made = await runCommand('magnetar', ['token', 'create', 'ada', ...flags]);
    const file = join(directory, 'token');
    writeFileSync(file, made.stdout);
    const argv = [
      'conformance',
      server().url,
      '--token',
      file,
      '--no-run',
      '--only',
      SOME,
      '--json',
    ];
    const { code, stdout, said } = await runCommand('magnetar', argv);
    expect(stdout, said).toMatch(/^\{/);
    expect(notPassed(JSON.parse(stdout) as Report)).toEqual([]);
    expect(code).toBe(0);
  });
});
