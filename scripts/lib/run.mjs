/** Small helpers of the scripts: run a command, look for one, find the root of the repository. */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..');

export const inRoot = (...parts) => path.join(ROOT, ...parts);

export const isRoot = () => process.getuid?.() === 0;

export const secondsSince = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Whether the command answers 0. */
export const works = (program, ...args) =>
  spawnSync(program, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;

export const isInstalled = (program) => works('sh', '-c', 'command -v -- "$1"', 'sh', program);

/** Runs a command in the root with its output on ours; answers its exit code. `onSpawn` gets the child. */
export const runLoud = (program, args, { onSpawn = () => undefined, ...options } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      ...options,
    });
    onSpawn(child);
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(127);
    });
    child.once('close', (code, signal) => resolve(code ?? (signal === null ? 1 : 130)));
  });

/** Runs a command in the root and keeps its output; `echo` shows it as well. */
export const runQuiet = (program, args, { echo = false, ...options } = {}) =>
  new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
      if (echo) process.stdout.write(chunk);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code) => resolve({ code: code ?? 1, output }));
  });

/** A program of node_modules, run by this Node without a shell. */
export const nodeModule = (...parts) => inRoot('node_modules', ...parts);

const TICK_MS = 10_000;

/** Says every ten seconds that a silent step still goes on. */
export const ticking = async (say, what, work) => {
  const start = performance.now();
  const timer = setInterval(() => say(`  ${what}: ${secondsSince(start)} so far`), TICK_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
};
