/** `magnetar conformance URL`: runs the assertions of the reference against any TES server. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { CATALOGUE, selectIds } from '../conformance/catalogue.ts';
import { findBase, rootOf } from '../conformance/find-base.ts';
import { NoAnswer, sendHttp } from '../conformance/http.ts';
import { countsOf, renderLine, renderSummary } from '../conformance/render.ts';
import { runChecks } from '../conformance/run.ts';
import { createJudge } from '../conformance/schemas.ts';
import { tesEnvironmentOf, type Environment } from '../config/environment.ts';
import { EXIT } from './exit-codes.ts';
import { toJson, type Output } from './output.ts';
import { UsageError } from './program.ts';
import { basesOf } from './tes-client.ts';

export interface ConformanceHost {
  readonly environment: Environment;
  readonly output: Output;
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stop: AbortSignal;
}

interface Options {
  readonly only?: ReadonlySet<string>;
  readonly json?: boolean;
  readonly run: boolean;
  readonly image: string;
  readonly storage?: string;
  readonly origin?: string;
  readonly token?: string;
  readonly user?: string;
  readonly timeout: number;
  readonly maxTasks: number;
  readonly taskTimeout: number;
}

const EXAMPLES = `
Examples:
  magnetar conformance http://localhost:8080
  magnetar conformance https://tes.example.org --token env:MY_TOKEN --only T1-T12,T60-T78 --no-run
  magnetar conformance http://localhost:8080 --storage file:///srv/shared --json

Each line: number, result, level, what holds, why not, and the exchange that shows it.
  pass, fail, skipped; choice = the document leaves it open, and this server does it otherwise than Magnetar.
  MUST = the TES document or its public suite; SHOULD = known clients need it; informative = Magnetar's own reading.
Credentials: --token or --user, else TES_TOKEN, or TES_USER and TES_PASSWORD; never on the command line itself.
Tasks are named magnetar-conformance-…, tagged alike, and cancelled at the end. Exit code: 0 nothing failed, 1 otherwise.`;

const parseOnly = (text: string): ReadonlySet<string> => {
  const ids = selectIds(text);
  if (ids === undefined)
    throw new InvalidArgumentError('numbers such as T10,T20-T30 from T1 to T84');
  return ids;
};

const parseCount = (text: string): number => {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('a whole number above 0');
  return Number(text);
};

/** A secret by its place: `env:NAME`, or the first line of a file. */
const readSecret = (flag: string, source: string, environment: Environment): string => {
  const name = /^env:(.+)$/.exec(source)?.[1];
  if (name !== undefined) {
    const value = environment[name] ?? '';
    if (value === '') throw new UsageError(`${flag}: the variable ${name} is not set`);
    return value;
  }
  try {
    return readFileSync(source, 'utf8').split(/\r?\n/)[0] ?? '';
  } catch {
    // The text is not shown: it may be the secret itself.
    throw new UsageError(
      `${flag} takes env:NAME or a readable file with the secret, not the secret`,
    );
  }
};

const authorizationOf = (options: Options, environment: Environment): string | undefined => {
  const { token, user } = options;
  if (token !== undefined && user !== undefined) {
    throw new UsageError('give --token or --user, not both');
  }
  if (token !== undefined) return `Bearer ${readSecret('--token', token, environment)}`;
  if (user === undefined) return tesEnvironmentOf(environment).authorization;
  const pair = readSecret('--user', user, environment);
  if (!pair.includes(':')) throw new UsageError('--user: what it names must be NAME:PASSWORD');
  return `Basic ${Buffer.from(pair).toString('base64')}`;
};

const findServer = async (
  url: string,
  authorization: string | undefined,
  signal: AbortSignal,
): Promise<string> => {
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw new UsageError(`${url} is no http(s) URL`);
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') {
    throw new UsageError('the URL must not hold credentials; see --token and --user');
  }
  const candidates = basesOf(url);
  const http = sendHttp;
  const base = await findBase(candidates, authorization, { http, signal }).catch(
    (error: unknown) => {
      if (signal.aborted) throw new UsageError('stopped');
      if (error instanceof NoAnswer) throw new UsageError(`cannot reach ${url}: ${error.message}`);
      throw error;
    },
  );
  if (base === undefined) {
    throw new UsageError(`no TES API found at ${url}; tried ${candidates.join(', ')}`);
  }
  return base;
};

/** What is being tried, on a terminal that shows nothing else there; taken away again by the next line. */
const createProgress = ({ stderr }: ConformanceHost) => {
  const write = (text: string): void => {
    if (stderr.isTTY === true) stderr.write(`\r\u001b[K${text}`);
  };
  return { show: write, clear: () => write('') };
};

const runConformance = async (
  url: string,
  options: Options,
  host: ConformanceHost,
): Promise<number> => {
  const { output, environment, stop } = host;
  const authorization = authorizationOf(options, environment);
  const base = await findServer(url, authorization, stop);
  const { only, json = false } = options;
  const checks = CATALOGUE.filter(({ id }) => only === undefined || only.has(id));
  const progress = createProgress(host);
  let done = 0;
  const report = await runChecks({
    base,
    root: rootOf(base),
    authorization,
    run: options.run,
    image: options.image,
    storage: options.storage,
    origin: options.origin,
    maxTasks: options.maxTasks,
    taskMs: options.taskTimeout * 1000,
    runId: randomBytes(4).toString('hex'),
    http: sendHttp,
    judge: createJudge(),
    checks,
    timeoutMs: options.timeout * 1000,
    stop,
    onStart: ({ id, title }) => {
      done += 1;
      progress.show(`${String(done)}/${String(checks.length)} ${id} ${title}`);
    },
    onLine: (line) => {
      progress.clear();
      if (!json) output.line(renderLine(line));
    },
    onCleanUp: () => {
      progress.show('waiting for the tasks of this run to end');
    },
  });
  progress.clear();
  if (json) output.line(toJson({ server: base, summary: countsOf(report.lines), ...report }));
  else for (const line of renderSummary(report)) output.line(line);
  if (stop.aborted) return EXIT.forced;
  return report.lines.some(({ result }) => result === 'fail') ? EXIT.failure : EXIT.ok;
};

/** Adds the command to a program; `onCode` gets its exit code. */
export const addConformance = (
  program: Command,
  host: ConformanceHost,
  onCode: (code: number) => void,
): void => {
  program
    .command('conformance')
    .description('try the assertions T1 to T84 of TES 1.1 on any server')
    .argument('<url>', 'TES server, with or without its prefix')
    .option('--only <numbers>', 'such as T10,T20-T30', parseOnly)
    .option('--no-run', 'wait for no task: what needs one to run is skipped')
    .option('--image <name>', 'small image with sh, sleep and sha256sum', 'alpine')
    .option('--storage <url>', 'a folder that one small output may be written to')
    .option('--origin <url>', 'origin of web pages that the server lets in')
    .option('--token <source>', 'env:NAME or a file with a Bearer token')
    .option('--user <source>', 'env:NAME or a file with NAME:PASSWORD')
    .option(
      '--max-tasks <n>',
      'create no more tasks than this; T62 alone may need 257',
      parseCount,
      500,
    )
    .option('--timeout <seconds>', 'for all of it', parseCount, 900)
    .option('--task-timeout <seconds>', 'for one task', parseCount, 120)
    .option('--json', 'machine-readable')
    .addHelpText('after', EXAMPLES)
    .action(async (url: string, options: Options) => {
      onCode(await runConformance(url, options, host));
    });
};
