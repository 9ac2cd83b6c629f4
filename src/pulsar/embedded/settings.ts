/** The two files a Pulsar server reads (protocol F.2, F.8). */
import { writeFile } from 'node:fs/promises';
import type { FolderModes, Layout } from './layout.ts';

export interface Settings {
  readonly port: number;
  readonly privateToken: string;
  /** Added to the environment of jobs, which otherwise get only HOME, PATH and TMPDIR of Pulsar. */
  readonly jobEnvironment: Readonly<Record<string, string>>;
  readonly modes: FolderModes;
}

export const HOST = '127.0.0.1';

/** Pulsar puts a value between double quotes and escapes only those (protocol A.6). */
const forDoubleQuotes = (value: string): string => value.replace(/[\\$`]/g, '\\$&');

const RETRIES = { preprocess_action_max_retries: 10, postprocess_action_max_retries: 10 };

export const renderServerIni = (port: number): string =>
  [
    '[server:main]',
    `host = ${HOST}`,
    `port = ${String(port)}`,
    '[app:main]',
    'app_config = %(here)s/app.yml',
    '',
  ].join('\n');

/** JSON, which YAML accepts. */
export const renderAppYml = (layout: Layout, settings: Settings): string => {
  const environment = Object.entries(settings.jobEnvironment).map(
    ([name, value]) => [`env_${name}`, forDoubleQuotes(value)] as const,
  );
  const app = {
    staging_directory: layout.staging,
    persistence_directory: layout.persistence,
    tool_dependency_dir: layout.dependencies,
    private_token: settings.privateToken,
    conda_auto_init: false,
    conda_auto_install: false,
    ...(settings.modes.job === undefined ? {} : { job_directory_mode: settings.modes.job }),
    managers: {
      _default_: { type: 'queued_python', ...RETRIES, ...Object.fromEntries(environment) },
    },
  };
  return `${JSON.stringify(app, undefined, 2)}\n`;
};

export const writeSettings = async (layout: Layout, settings: Settings): Promise<void> => {
  const secret = { mode: 0o600 };
  await writeFile(layout.serverIni, renderServerIni(settings.port), secret);
  await writeFile(layout.appYml, renderAppYml(layout, settings), secret);
};
