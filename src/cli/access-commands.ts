/** `magnetar user` and `magnetar token`: who may call this server. A running server notices within a second. */
import type { Command } from 'commander';
import { createApiToken, listApiTokens, revokeApiToken } from '../access/tokens.ts';
import { addUser, listUsers, removeUser } from '../access/users.ts';
import type { AuthConfig, AuthMode, Config } from '../config/types.ts';
import { toRfc3339 } from '../kernel/clock.ts';
import { table, toJson, type Output } from './output.ts';
import { readSecret, type SecretInput } from './read-secret.ts';

export interface AccessHost {
  readonly output: Output;
  readonly stdin: SecretInput;
}

/** Adds the options of the configuration to a command. */
export interface AccessSetup<Options> {
  readonly withOptions: (command: Command) => Command;
  readonly load: (options: Options) => Config;
}

const now = (): string => toRfc3339(Date.now());

/** Both files work without their mode, but nobody gets in by them. */
const warnOfMode = ({ modes }: AuthConfig, mode: AuthMode, output: Output): void => {
  if (modes.includes(mode)) return;
  output.note(
    `the server takes none of these yet: put "${mode}" into modes under [auth], or MAGNETAR_AUTH__MODES=${[...modes, mode].join(',')}`,
  );
};

const show = (
  output: Output,
  rows: readonly (readonly string[])[],
  json: readonly object[] | undefined,
): void => {
  if (json === undefined) for (const row of table(rows)) output.line(row);
  else output.line(toJson(json));
};

type Listing<Options> = Options & { readonly json?: boolean };

const addUserCommands = <Options>(
  program: Command,
  { withOptions, load }: AccessSetup<Options>,
  { output, stdin }: AccessHost,
): void => {
  const user = program.command('user').description('users with passwords');
  withOptions(user.command('add').description('add a user, or change the password'))
    .argument('<name>')
    .addHelpText('after', '\nThe password is asked for, or read from stdin.')
    .action(async (name: string, options: Options) => {
      const { auth } = load(options);
      const prompts = [`password for ${name}: `, 'once more: '];
      const password = await readSecret(stdin, prompts, output.note);
      await addUser(auth.users_file, { name, password, created: now() });
      output.line(`${name} may log in with this password`);
      warnOfMode(auth, 'basic', output);
    });
  withOptions(user.command('remove').description('remove a user; the tasks stay'))
    .argument('<name>')
    .action(async (name: string, options: Options) => {
      await removeUser(load(options).auth.users_file, name);
      output.line(`${name} is removed`);
    });
  withOptions(user.command('list').description('list the users'))
    .option('--json', 'machine-readable')
    .action(async (options: Listing<Options>) => {
      const users = await listUsers(load(options).auth.users_file);
      const rows = users.map(({ name, created }) => [name, created]);
      const json = users.map(({ name, created }) => ({ name, created }));
      show(output, [['NAME', 'CREATED'], ...rows], options.json === true ? json : undefined);
    });
};

const addTokenCommands = <Options>(
  program: Command,
  { withOptions, load }: AccessSetup<Options>,
  { output }: AccessHost,
): void => {
  const token = program.command('token').description('API tokens');
  withOptions(token.command('create').description('print a new token that acts for NAME'))
    .argument('<name>', 'a user, or any other name')
    .action(async (name: string, options: Options) => {
      const { auth } = load(options);
      output.line(await createApiToken(auth.tokens_file, { name, created: now() }));
      output.note('this is shown once; send it as Authorization: Bearer');
      warnOfMode(auth, 'token', output);
    });
  withOptions(token.command('list').description('list the tokens, not their secrets'))
    .option('--json', 'machine-readable')
    .action(async (options: Listing<Options>) => {
      const tokens = await listApiTokens(load(options).auth.tokens_file);
      const rows = tokens.map(({ id, name, created }) => [id, name, created]);
      const json = tokens.map(({ id, name, created }) => ({ id, name, created }));
      show(output, [['ID', 'NAME', 'CREATED'], ...rows], options.json === true ? json : undefined);
    });
  withOptions(token.command('revoke').description('make a token useless'))
    .argument('<id>', 'as magnetar token list shows it')
    .action(async (id: string, options: Options) => {
      await revokeApiToken(load(options).auth.tokens_file, id);
      output.line(`${id} is revoked`);
    });
};

export const addAccessCommands = <Options>(
  program: Command,
  setup: AccessSetup<Options>,
  host: AccessHost,
): void => {
  addUserCommands(program, setup, host);
  addTokenCommands(program, setup, host);
};
