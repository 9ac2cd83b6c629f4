/** Runs the checks of `magnetar conformance` against a server of a test. */
import { randomBytes } from 'node:crypto';
import { CATALOGUE } from '../../src/conformance/catalogue.ts';
import { sendHttp } from '../../src/conformance/http.ts';
import { runChecks, type Report, type RunOptions } from '../../src/conformance/run.ts';
import { createJudge } from '../../src/conformance/schemas.ts';

const LIMIT_MS = 300_000;

export const runAll = (root: string, change: Partial<RunOptions> = {}): Promise<Report> =>
  runChecks({
    base: `${root}/ga4gh/tes/v1`,
    root,
    authorization: undefined,
    run: false,
    image: 'alpine',
    storage: undefined,
    origin: undefined,
    maxTasks: 500,
    taskMs: 60_000,
    runId: randomBytes(4).toString('hex'),
    http: sendHttp,
    judge: createJudge(),
    checks: CATALOGUE,
    timeoutMs: LIMIT_MS,
    stop: new AbortController().signal,
    onStart: () => undefined,
    onLine: () => undefined,
    onCleanUp: () => undefined,
    ...change,
  });

/** What did not pass, as `T24 choice: why`. */
export const notPassed = ({ lines }: Report): readonly string[] =>
  lines
    .filter(({ result }) => result !== 'pass')
    .map(({ id, result, note = '' }) => `${id} ${result}: ${note}`);
