import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { createFileRoots } from '../../../src/config/file-roots.ts';
import {
  allowedHostsOf,
  allowedOriginsOf,
  destinationOf,
  planRulesOf,
  grantRulesOf,
  serviceInfoOf,
} from '../../../src/config/settings.ts';
import { createTempFile, createTempFolder } from '../../support/temp-folder.ts';
import { NOBODY } from '../../../src/tasks/grants.ts';

const load = (toml: string) =>
  loadConfig({ file: createTempFile('magnetar.toml', toml), environment: {} }).config;

describe('destinationOf', () => {
  it('leaves out what the configuration counts as none', () => {
    const config = load('');
    const [entry] = config.destinations;
    const destination = entry === undefined ? undefined : destinationOf(config, entry);
    expect(destination?.capacity).toEqual({ name: 'local', jobs: entry?.max_jobs });
    const limits = Object.keys(destination?.limits ?? {});
    expect(limits).toEqual(['pids', 'log_bytes', 'tail_bytes', 'grace_s', 'stall_s']);
  });

  it('bounds what a task may move', () => {
    const config = load(
      '[limits]\ntask_input_bytes = 1\ntask_input_files = 2\ntask_output_bytes = 3\ntask_output_files = 4',
    );
    const [entry] = config.destinations;
    const limits = { input_bytes: 1, input_files: 2, output_bytes: 3, output_files: 4 };
    expect(entry === undefined ? undefined : destinationOf(config, entry).limits).toMatchObject(
      limits,
    );
  });

  it('counts memory in bytes of 10^9 to the GB, as TES does', () => {
    const config = load(
      '[limits]\nwalltime_s = 60\n[[destinations]]\nname = "big"\ntransport = "embedded"\ncores = 8\nram_gb = 1.5',
    );
    const [entry] = config.destinations;
    const destination = entry === undefined ? undefined : destinationOf(config, entry);
    expect(destination?.capacity).toMatchObject({ cores: 8, ram_bytes: 1_500_000_000 });
    expect(destination?.limits.walltime_s).toBe(60);
  });
});

describe('allowedHostsOf', () => {
  it('adds the host by which public_url names this server', () => {
    const config = load(
      '[server]\npublic_url = "https://tes.example.org/x"\nallowed_hosts = ["other"]',
    );
    expect(allowedHostsOf(config)).toEqual(['other', 'tes.example.org']);
    expect(allowedHostsOf(load(''))).toEqual([]);
  });
});

describe('allowedOriginsOf', () => {
  it('adds the origin of public_url, from which the page of this server calls it', () => {
    const config = load(
      '[server]\npublic_url = "https://tes.example.org/x"\nallowed_origins = ["https://a.example"]',
    );
    expect(allowedOriginsOf(config)).toEqual(['https://a.example', 'https://tes.example.org']);
    expect(allowedOriginsOf(load(''))).toEqual([]);
  });
});

describe('what clients and jobs are told', () => {
  it('T2, T4: the URL of the organization is the configured one, or leads here', () => {
    const urlOf = (toml: string) => serviceInfoOf(load(toml), '1').organization.url;
    expect(urlOf('[service.organization]\nurl = "https://us.example.org"')).toBe(
      'https://us.example.org',
    );
    expect(urlOf('[server]\npublic_url = "https://tes.example.org/x"')).toBe(
      'https://tes.example.org/x',
    );
    expect(urlOf('[server]\nhost = "::1"\nport = 81')).toBe('http://[::1]:81');
  });

  it('T6: dates are shown as configured, or not at all, and must be dates', () => {
    const created_at = '2030-01-31T12:00:00Z';
    const info = serviceInfoOf(load(`[service]\ncreated_at = "${created_at}"`), '1');
    expect(info).toMatchObject({ createdAt: created_at });
    expect(info).not.toHaveProperty('updatedAt');
    for (const wrong of [
      'yesterday',
      '2030-01-31',
      '2030-13-31T12:00:00Z',
      '2030-01-31T12:00:00',
    ]) {
      expect(() => load(`[service]\nupdated_at = "${wrong}"`)).toThrow(/service.updated_at/);
    }
  });

  it('T5: the keys of backend_parameters are those that mean something', () => {
    expect(serviceInfoOf(load(''), '1').backendParameters).toEqual(['destination']);
  });

  it('service-info lists the roots once each, and leaves empty texts out', () => {
    const folder = createTempFile('x', '').replace(/\/x$/, '');
    const config = load(`[storage.file]\nread = ["${folder}"]\nwrite = ["${folder}"]`);
    const info = serviceInfoOf(config, '1.2.3');
    expect(info.storage).toEqual([
      `file://${folder}`,
      ...['http://', 'https://', 'ftp://', 'ftps://'],
    ]);
    expect(info).not.toHaveProperty('contactUrl');
    expect(
      planRulesOf(config, 'me', {
        schemes: {},
        rootsFor: createFileRoots(config.storage.file, grantRulesOf(config)),
      }).storageFor(NOBODY),
    ).toEqual({
      read: [folder],
      write: [folder],
      live: [],
      http_allow: [],
      ftp_allow: [],
    });
  });
});

describe('folders that tasks may use', () => {
  it.each([
    ['the data directory itself', 'data', 'data'],
    ['a folder that holds it', 'data/inner', 'data'],
    ['the jobs in it', 'data', 'data/pulsar/staging'],
    ['the jobs of a destination with another name', 'data', 'data/pulsar-site'],
    ['the logs in it', 'data', 'data/logs'],
  ])('may not be %s', (_what, data, root) => {
    const folder = createTempFolder();
    mkdirSync(join(folder, root), { recursive: true });
    const at = (path: string) => join(folder, path);
    const open = () =>
      loadConfig({ environment: {}, flags: { data: at(data) }, allow: [at(root)] });
    expect(open).toThrow(/would open the data directory/);
  });

  it('may not hold the file of the database', () => {
    const folder = createTempFolder();
    const open = () =>
      loadConfig({
        environment: {},
        flags: { data: createTempFolder(), store: `sqlite:${join(folder, 'tasks.db')}` },
        allow: [folder],
      });
    expect(open).toThrow(/would open the database/);
  });

  it('may be the one of the quick start', () => {
    const folder = createTempFolder();
    mkdirSync(join(folder, 'quickstart'));
    const flags = { data: folder };
    expect(() =>
      loadConfig({ environment: {}, flags, allow: [join(folder, 'quickstart')] }),
    ).not.toThrow();
  });
});
