#!/usr/bin/env node
/** Builds dist/: compiles src/ with tsc, copies what is not TypeScript, makes sure that SQLite loads. Does nothing when nothing changed. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { ensureNative } from './lib/native.mjs';
import { inRoot, nodeModule, runLoud, secondsSince } from './lib/run.mjs';
import { digestOf, isCurrent, writeStamp } from './lib/stamp.mjs';

const DIST = inRoot('dist');
const STAMP = path.join(DIST, '.stamp');
const INPUTS = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package.json'];

const say = (text) => process.stdout.write(`${text}\n`);

const sources = () =>
  readdirSync(inRoot('src'), { recursive: true }).filter((name) =>
    statSync(inRoot('src', name)).isFile(),
  );

/** Requirements and other data files that the program reads from beside its modules. */
const copyAssets = () => {
  for (const name of sources().filter((one) => !one.endsWith('.ts'))) {
    const target = path.join(DIST, name);
    mkdirSync(path.dirname(target), { recursive: true });
    copyFileSync(inRoot('src', name), target);
  }
};

/** Removes what was compiled from sources that are gone. */
const dropOrphans = () => {
  if (!existsSync(DIST)) return;
  const known = new Set(sources());
  for (const name of readdirSync(DIST, { recursive: true })) {
    const source = name.replace(/\.js(\.map)?$/, '.ts');
    if (source !== name && !known.has(source)) rmSync(path.join(DIST, name));
  }
};

const compile = () =>
  runLoud(process.execPath, [
    nodeModule('typescript', 'bin', 'tsc'),
    '-p',
    'tsconfig.build.json',
    '--noEmitOnError',
    '--incremental',
    '--tsBuildInfoFile',
    path.join('dist', '.tsbuildinfo'),
  ]);

const build = async () => {
  const start = performance.now();
  if (!existsSync(nodeModule('typescript', 'bin', 'tsc'))) {
    process.stderr.write('the dependencies are not installed: npm ci\n');
    return 1;
  }
  if (!(await ensureNative(say))) return 1;
  const digest = digestOf(INPUTS);
  if (isCurrent(STAMP, digest)) {
    say('build: up to date');
    return 0;
  }
  say('build: compiling src/ to dist/');
  dropOrphans();
  const code = await compile();
  if (code !== 0) return code;
  copyAssets();
  writeStamp(STAMP, digest);
  say(`build: done in ${secondsSince(start)}`);
  return 0;
};

process.exitCode = await build();
