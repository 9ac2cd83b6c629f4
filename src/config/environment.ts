/** The only place that reads the environment of the process. */
import { homedir } from 'node:os';
import path from 'node:path';

export type Environment = Readonly<Record<string, string | undefined>>;

/** A copy, so that later changes have no effect. */
export const readEnvironment = (): Environment => ({ ...process.env });

export interface TesEnvironment {
  readonly url: string;
  /** Value of the Authorization header; undefined = none. */
  readonly authorization: string | undefined;
  /** Where `tes login` keeps its tokens (XDG Base Directory Specification). */
  readonly loginFile: string;
}

const configFolderOf = (environment: Environment): string => {
  const given = environment['XDG_CONFIG_HOME'] ?? '';
  return path.isAbsolute(given) ? given : path.join(environment['HOME'] ?? homedir(), '.config');
};

/** What the `tes` command takes from the environment: TES_URL, and TES_TOKEN or TES_USER with TES_PASSWORD. */
export const tesEnvironmentOf = (environment: Environment): TesEnvironment => {
  const token = environment['TES_TOKEN'] ?? '';
  const user = environment['TES_USER'] ?? '';
  const password = environment['TES_PASSWORD'] ?? '';
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const userForm = user === '' ? undefined : `Basic ${basic}`;
  return {
    url: environment['TES_URL'] ?? 'http://localhost:8080',
    authorization: token === '' ? userForm : `Bearer ${token}`,
    loginFile: path.join(configFolderOf(environment), 'magnetar', 'logins.json'),
  };
};
