import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  OWNER_ONLY,
  TRAVERSABLE,
  layoutOf,
  makeFolders,
} from '../../../../src/pulsar/embedded/layout.ts';
import { renderAppYml, writeSettings } from '../../../../src/pulsar/embedded/settings.ts';
import { readState, writeState } from '../../../../src/pulsar/embedded/state.ts';
import { createTempFolder } from '../../../support/temp-folder.ts';

const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('layoutOf', () => {
  it.each(['a b', "a'b", 'a$b', 'a;b', 'a(b', 'a&b', 'a\\b', 'a*b', 'a"b', 'a\nb'])(
    'refuses %j, which the job script could not name',
    (name) => {
      expect(() => layoutOf(path.join('/tmp', name))).toThrow('choose a data folder');
    },
  );

  it.each(['plain', 'ünïcode', 'with.dot-and_more', 'a@b:c,d+e=f%'])('takes %j', (name) => {
    expect(layoutOf(path.join('/tmp', name)).staging).toBe(path.join('/tmp', name, 'staging'));
  });
});

describe('makeFolders', () => {
  it.each([
    ['the owner only', OWNER_ONLY, '700'],
    ['a way through', TRAVERSABLE, '711'],
  ])('gives %s, also in older folders', async (_, modes, way) => {
    const root = path.join(createTempFolder(), 'pulsar');
    mkdirSync(path.join(root, 'persist'), { recursive: true });
    chmodSync(path.join(root, 'persist'), 0o777);
    const layout = layoutOf(root);
    await makeFolders(layout, modes);
    expect([layout.root, layout.staging].map(modeOf)).toEqual([way, way]);
    const inner = [layout.persistence, layout.temporary, layout.runtime, layout.dependencies];
    expect(new Set(inner.map(modeOf))).toEqual(new Set(['700']));
  });
});

describe('settings', () => {
  const settings = { port: 4711, privateToken: 'geheim', jobEnvironment: {}, modes: OWNER_ONLY };

  it('are readable by the owner only', async () => {
    const layout = layoutOf(path.join(createTempFolder(), 'pulsar'));
    await makeFolders(layout, OWNER_ONLY);
    await writeSettings(layout, settings);
    expect([layout.serverIni, layout.appYml].map(modeOf)).toEqual(['600', '600']);
  });

  it.each(['plain', 'a "b" c', '$HOME `id` $(id)', 'back\\slash\\n', 'é & ; | *'])(
    'bring %j to a job as it is',
    (value) => {
      const jobEnvironment = { X: value };
      const text = renderAppYml(layoutOf('/tmp/x'), { ...settings, jobEnvironment });
      const app = JSON.parse(text) as { managers: { _default_: { env_X: string } } };
      // what Pulsar makes of it: managers/util/env.py
      const statement = `X="${app.managers._default_.env_X.replaceAll('"', '\\"')}"; export X`;
      const out = execFileSync('/bin/sh', ['-c', `${statement}; printf %s "$X"`]);
      expect(out.toString()).toBe(value);
    },
  );

  it('name the mode of job folders only where it is wanted', () => {
    const layout = layoutOf('/tmp/x');
    expect(renderAppYml(layout, settings)).not.toContain('job_directory_mode');
    const text = renderAppYml(layout, { ...settings, modes: TRAVERSABLE });
    expect(text).toContain('"job_directory_mode": "0711"');
  });
});

describe('state', () => {
  it('comes back as written, readable by the owner only', async () => {
    const file = path.join(createTempFolder(), 'state.json');
    const times = { startedAt: 1, fingerprint: 'f', identity: 'i' };
    const state = { v: 1, pid: 7, port: 8, privateToken: 't', ...times } as const;
    await writeState(file, state);
    expect(await readState(file)).toEqual(state);
    expect(modeOf(file)).toBe('600');
  });

  it.each(['', '{', 'null', '{}', '{"v":2}', '{"v":1,"pid":"7"}'])('ignores %j', async (text) => {
    const file = path.join(createTempFolder(), 'state.json');
    writeFileSync(file, text);
    expect(await readState(file)).toBeUndefined();
    expect(await readState(`${file}-none`)).toBeUndefined();
  });
});
