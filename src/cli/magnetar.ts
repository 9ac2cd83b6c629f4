/** The `magnetar` command: serve, doctor, config, user, token, conformance. Answers exit codes; src/main.ts turns them into the end of the process. */
import type { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/types.ts';
import { addAccessCommands } from './access-commands.ts';
import { addConformance } from './conformance.ts';
import type { FindPython } from './doctor-checks.ts';
import { runDoctor } from './doctor.ts';
import { EXIT } from './exit-codes.ts';
import type { Output } from './output.ts';
import { createProgram, runProgram } from './program.ts';
import type { SecretInput } from './read-secret.ts';
import { serve, type ServeHost } from './serve.ts';
import { showConfig } from './show-config.ts';
import { readVersion } from './version.ts';

export interface MagnetarHost extends ServeHost {
  readonly environment: Environment;
  readonly output: Output;
  /** Where a password is typed or comes from. */
  readonly stdin: SecretInput;
  readonly findPython: FindPython;
}

interface ConfigOptions {
  readonly config?: string;
  readonly host?: string;
  readonly port?: string;
  readonly data?: string;
  readonly store?: string;
  readonly allow?: readonly string[];
}

const append = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
];

const withPlaceOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'the configuration of the server')
    .option('--data <dir>', 'its data directory (default ./data)');

const withConfigOptions = (command: Command): Command =>
  command
    .option('--config <file>', 'TOML or YAML file (docs/configuration.md lists the keys)')
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--port <number>', 'port to listen on; 0 takes a free one (default 8080)')
    .option('--data <dir>', 'data directory (default ./data)')
    .option('--store <url>', 'sqlite:PATH or mongodb://… (default SQLite in the data directory)')
    .option('--allow <dir>', 'let tasks read and write below DIR; may be repeated', append);

const load = (options: ConfigOptions, environment: Environment): LoadedConfig =>
  loadConfig({
    file: options.config,
    environment,
    flags: options,
    allow: options.allow ?? [],
  });

const SERVE_EXAMPLES = `
Examples:
  magnetar serve
  magnetar serve --port 8081 --data /srv/magnetar --allow /srv/shared
  magnetar serve --store mongodb://localhost:27017/magnetar --config my.toml
  MAGNETAR_SERVER__PORT=8081 magnetar serve`;

/** Runs one `magnetar` command line (without node and script) and answers its exit code. */
export const runMagnetar = async (argv: readonly string[], host: MagnetarHost): Promise<number> => {
  let result: number = EXIT.ok;
  const program = createProgram('magnetar', host.output)
    .description('GA4GH TES 1.1 server that runs tasks on Galaxy Pulsar')
    .version(readVersion(), '--version');
  withConfigOptions(program.command('serve').description('run the server until Ctrl-C'))
    .addHelpText('after', SERVE_EXAMPLES)
    .action(async (options: ConfigOptions) => {
      result = await serve(load(options, host.environment).config, host);
    });
  withConfigOptions(
    program.command('doctor').description('say what is installed, what is missing, what to do'),
  )
    .option('--json', 'machine-readable')
    .action(async (options: ConfigOptions & { readonly json?: boolean }) => {
      const { config } = load(options, host.environment);
      result = await runDoctor({ ...host, config, json: options.json ?? false });
    });
  withConfigOptions(
    program.command('config').description('show the effective configuration, secrets hidden'),
  )
    .option('--json', 'machine-readable')
    .action((options: ConfigOptions & { readonly json?: boolean }) => {
      showConfig(load(options, host.environment), host.output, options.json ?? false);
    });
  addAccessCommands<ConfigOptions>(
    program,
    { withOptions: withPlaceOptions, load: (options) => load(options, host.environment).config },
    host,
  );
  addConformance(program, host, (code) => {
    result = code;
  });
  return runProgram(program, argv, { output: host.output, result: () => result });
};
