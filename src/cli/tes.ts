/** The `tes` command: talks to any TES server over HTTP. */
import { InvalidArgumentError, type Command } from 'commander';
import type { TesEnvironment } from '../config/environment.ts';
import { systemClock } from '../kernel/clock.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { createProgram, runProgram } from './program.ts';
import { authorizationFor, login, logout, printToken } from './tes-access.ts';
import { createTesClient, type TesView } from './tes-client.ts';
import { cancel, get, info, list, logs, submit, wait, type TesContext } from './tes-commands.ts';
import { readVersion } from './version.ts';

export interface TesHost {
  readonly environment: TesEnvironment;
  readonly output: Output;
}

const EXAMPLES = `
Examples:
  tes submit examples/hello.json --wait
  tes ls --state RUNNING --tag project=demo
  tes get ID --view FULL
  tes logs ID
  tes logs ID --full > all-of-it.txt
  tes cancel ID
  TES_URL=https://tes.example.org TES_TOKEN=... tes ls
  tes login --url https://tes.example.org --issuer https://sso.example.org/realms/lab --client-id tes
  tes logout --url https://tes.example.org

Exit codes: 0 done or COMPLETE, 1 usage or server error, 3 EXECUTOR_ERROR, 4 SYSTEM_ERROR,
5 CANCELED, 6 time-out. Credentials: TES_TOKEN, or TES_USER and TES_PASSWORD, else the login kept for the server.`;

const VIEWS: readonly TesView[] = ['MINIMAL', 'BASIC', 'FULL'];

const parseView = (text: string): TesView => {
  const view = VIEWS.find((one) => one === text.toUpperCase());
  if (view === undefined) throw new InvalidArgumentError(`one of ${VIEWS.join(', ')}`);
  return view;
};

const parsePositive = (text: string): number => {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number above 0');
  return value;
};

const parseCount = (text: string): number => {
  const value = parsePositive(text);
  if (!Number.isInteger(value)) throw new InvalidArgumentError('a whole number above 0');
  return value;
};

const append = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

interface CommonOptions {
  readonly url?: string;
  readonly json?: boolean;
}

interface WaitOptions extends CommonOptions {
  readonly wait?: boolean;
  readonly timeout?: number;
}

interface ListOptions extends CommonOptions {
  readonly state?: string;
  readonly namePrefix?: string;
  readonly tag?: readonly string[];
  readonly limit: number;
  readonly all?: boolean;
}

/** Runs one command of `tes` with its context. */
type Run = (
  options: CommonOptions,
  work: (context: TesContext) => Promise<number>,
) => Promise<void>;

const common = (command: Command): Command =>
  command
    .option('--url <url>', 'TES server (default: TES_URL or http://localhost:8080)')
    .option('--json', 'machine-readable');

const addTaskCommands = (program: Command, run: Run): void => {
  common(program.command('submit').description('send a task; prints its id'))
    .argument('<file>', 'JSON file, or - for stdin; a url ./NAME in it is a file beside it')
    .option('--wait', 'follow it to its end; the exit code tells the state')
    .option(
      '--timeout <seconds>',
      'with --wait: no longer than this; then exit code 6',
      parsePositive,
    )
    .action((file: string, options: WaitOptions) =>
      run(options, (context) =>
        submit(context, { file, wait: options.wait ?? false, timeout: options.timeout }),
      ),
    );
  common(program.command('wait').description('wait until the tasks have ended'))
    .argument('<id...>')
    .option('--timeout <seconds>', 'wait no longer than this', parsePositive)
    .action((ids: readonly string[], options: WaitOptions) =>
      run(options, (context) => wait(context, ids, { timeout: options.timeout })),
    );
  common(program.command('cancel').description('cancel tasks'))
    .argument('<id...>')
    .action((ids: readonly string[], options: CommonOptions) =>
      run(options, (context) => cancel(context, ids)),
    );
};

const addReadCommands = (program: Command, run: Run): void => {
  common(program.command('ls').description('list tasks, newest first'))
    .option('--state <state>', 'only tasks in this state, such as RUNNING or EXECUTOR_ERROR')
    .option('--name-prefix <text>', 'only tasks whose name starts so')
    .option('--tag <key[=value]>', 'only tasks with this tag; may be repeated', append)
    .option('--limit <n>', 'how many', parseCount, 20)
    .option('--all', 'all of them')
    .action((options: ListOptions) =>
      run(options, (context) =>
        list(context, {
          state: options.state,
          namePrefix: options.namePrefix,
          tags: options.tag ?? [],
          limit: options.limit,
          all: options.all ?? false,
        }),
      ),
    );
  common(program.command('get').description('show a task as JSON'))
    .argument('<id>')
    .option('--view <view>', 'MINIMAL, BASIC or FULL', parseView, 'FULL')
    .action((id: string, options: CommonOptions & { readonly view: TesView }) =>
      run(options, (context) => get(context, id, options.view)),
    );
  common(
    program
      .command('logs')
      .description('show stdout and stderr of each executor, also while it runs'),
  )
    .argument('<id>')
    .option('--full', 'whole streams, not their ends, as far as the server (Magnetar) keeps them')
    .action((id: string, options: LogOptions) =>
      run(options, (context) => logs(context, id, { full: options.full ?? false })),
    );
  common(program.command('info').description('show what the server says about itself')).action(
    (options: CommonOptions) => run(options, info),
  );
};

interface LogOptions extends CommonOptions {
  readonly full?: boolean;
}

interface LoginOptions {
  readonly url?: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
}

/** Commands that talk to an issuer, not to a TES server. */
const addLoginCommands = (
  program: Command,
  { environment, output }: TesHost,
  answer: (code: number) => void,
): void => {
  const deps = { environment, output, clock: systemClock };
  const server = ['--url <url>', 'TES server (default: TES_URL or http://localhost:8080)'] as const;
  program
    .command('login')
    .description('log in at an OpenID issuer; the token is kept for this server')
    .option(...server)
    .requiredOption('--issuer <url>', 'the issuer, as the server is configured')
    .requiredOption('--client-id <id>', 'a public client with the device flow')
    .option('--scope <scopes>', 'what to ask for', 'openid offline_access')
    .action(async (options: LoginOptions) => {
      answer(await login({ ...options, url: options.url ?? environment.url }, deps));
    });
  program
    .command('token')
    .description('print a fresh access token of the login, for other clients')
    .option(...server)
    .action(async (options: Pick<LoginOptions, 'url'>) => {
      answer(await printToken(options.url ?? environment.url, deps));
    });
  program
    .command('logout')
    .description(
      'forget the login for this server; its issuer is told, where it has an address for that',
    )
    .option(...server)
    .option('--json', 'machine-readable')
    .action(async (options: CommonOptions) => {
      const url = options.url ?? environment.url;
      answer(await logout({ url, json: options.json ?? false }, deps));
    });
};

/** Runs one `tes` command line (without node and script) and answers its exit code. */
export const runTes = async (argv: readonly string[], host: TesHost): Promise<number> => {
  let result: number = EXIT.ok;
  const program = createProgram('tes', host.output)
    .description('Use a TES server: submit tasks, follow them, read their logs')
    .version(readVersion(), '--version')
    .addHelpText('after', EXAMPLES);
  const run: Run = async (options, work) => {
    const url = options.url ?? host.environment.url;
    const access = { environment: host.environment, clock: systemClock };
    const client = createTesClient({ url, authorization: authorizationFor(url, access) });
    result = await work({ client, output: host.output, json: options.json ?? false });
  };
  addTaskCommands(program, run);
  addReadCommands(program, run);
  addLoginCommands(program, host, (code) => {
    result = code;
  });
  return runProgram(program, argv, { output: host.output, result: () => result });
};
