/** The areas of `npm test` in their order: how each runs, how its results are counted, what it needs. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { inRoot, nodeModule, runLoud, runQuiet } from './run.mjs';

const ONE_FAILED = { passed: 0, failed: 1 };

/** A static check: commands of this Node; counts as one. Its output is shown when it fails. */
const check = (name, ...commands) => ({
  name,
  isCheck: true,
  quick: true,
  build: false,
  needs: [],
  run: async () => {
    for (const args of commands) {
      const { code, output } = await runQuiet(process.execPath, args);
      if (code === 0) continue;
      process.stdout.write(`${output}\n`);
      return ONE_FAILED;
    }
    return { passed: 1, failed: 0 };
  },
});

const readReport = (file) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
};

/** A test that was skipped is no pass, and a file that could not be loaded is a failure. */
const countFile = (file) => {
  const passed = file.assertionResults.filter(({ status }) => status === 'passed').length;
  const failed = file.assertionResults.length - passed;
  return { passed, failed: failed === 0 && file.status === 'failed' ? 1 : failed };
};

const nameSkipped = (files) => {
  const skipped = files
    .flatMap((file) => file.assertionResults)
    .filter(({ status }) => status !== 'passed' && status !== 'failed');
  for (const { fullName } of skipped) process.stdout.write(`  not run: ${fullName}\n`);
};

const countReport = (report, code) => {
  if (report === undefined) return ONE_FAILED;
  nameSkipped(report.testResults);
  const counts = report.testResults.map(countFile);
  const total = (key) => counts.reduce((sum, one) => sum + one[key], 0);
  const failed = total('failed');
  return { passed: total('passed'), failed: failed === 0 && code !== 0 ? 1 : failed };
};

/** One project of vitest.config.ts. `build`: it runs the built server. */
const vitest = (name, { quick = false, build = false, needs = [] } = {}) => ({
  name,
  isCheck: false,
  quick,
  build,
  needs,
  run: async (filters) => {
    const file = inRoot('.cache', `test-${name}.json`);
    mkdirSync(path.dirname(file), { recursive: true });
    rmSync(file, { force: true });
    const code = await runLoud(process.execPath, [
      nodeModule('vitest', 'vitest.mjs'),
      'run',
      ...['--project', name, '--reporter', 'default', '--reporter', 'json'],
      ...['--outputFile.json', file],
      ...filters,
    ]);
    return countReport(readReport(file), code);
  },
});

const COUNTS = /^(\d+) passed, (\d+) failed$/;

/** A program of its own whose last line says `N passed, N failed`. */
const program = (name, needs, ...command) => ({
  name,
  isCheck: false,
  quick: false,
  build: false,
  needs,
  run: async (filters) => {
    const [file, ...args] = command;
    const { code, output } = await runQuiet(file, [...args, ...filters], { echo: true });
    const [, passed, failed] = COUNTS.exec(output.trimEnd().split('\n').at(-1)) ?? [];
    if (passed === undefined) return ONE_FAILED;
    const counts = { passed: Number(passed), failed: Number(failed) };
    return counts.failed === 0 && code !== 0 ? { ...counts, failed: 1 } : counts;
  },
});

const RUNTIMES = ['bubblewrap', 'podman', 'runc', 'catatonit', 'busybox', 'dockerd', 'cgroups'];

export const AREAS = [
  check('format', [nodeModule('prettier', 'bin', 'prettier.cjs'), '--check', '.']),
  check('types', [nodeModule('typescript', 'bin', 'tsc'), '--noEmit', '-p', '.']),
  check('lint', [nodeModule('eslint', 'bin', 'eslint.js'), '--max-warnings', '0', '.']),
  check('rules', [
    nodeModule('dependency-cruiser', 'bin', 'dependency-cruise.mjs'),
    '--config',
    '.dependency-cruiser.cjs',
    'src',
  ]),
  check('dead-code', [nodeModule('knip', 'bin', 'knip.js'), '--no-progress']),
  check(
    'drift',
    ['scripts/generate.mjs', '--check'],
    ['--import', 'tsx', 'scripts/docs.mjs', '--check'],
  ),
  vitest('unit', { quick: true }),
  vitest('property', { quick: true }),
  vitest('conformance', { build: true, needs: ['python', 'venv', 'bubblewrap', 'mongodb'] }),
  vitest('contract', { needs: ['python', 'venv', 'clientPython', 'mongodb', 'nginx', 's3'] }),
  vitest('integration', { needs: ['python', 'venv', 'bubblewrap', 'mongodb', 'nginx'] }),
  vitest('e2e', {
    build: true,
    needs: [
      ...['python', 'venv', ...RUNTIMES, 'mongodb', 'chromium'],
      ...['clientPython', 'nginx', 's3', 'curl', 'toxiproxy'],
    ],
  }),
  vitest('clients', {
    build: true,
    needs: ['python', 'venv', 'clientPython', 'bubblewrap', 'rsync', 'mongodb'],
  }),
  program('runner', ['python', ...RUNTIMES], 'python3', 'runner/tests/run.py'),
  vitest('chaos', {
    build: true,
    needs: [
      ...['python', 'venv', 'bubblewrap', 'mongodb'],
      ...['clientPython', 'nginx', 's3', 'toxiproxy'],
    ],
  }),
];
