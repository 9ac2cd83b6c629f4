/** A server for one real client: a folder that client and tasks share under one path, and the client's own programs in each task. */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createSite, startServer, type Server } from '../../support/server/server.ts';
import {
  install,
  reachable,
  runClient,
  taskUser,
  type ClientName,
  type Result,
  type RunOptions,
} from './client.ts';
import type { WireTask } from '../../support/server/tes-client.ts';

export interface World {
  readonly server: Server;
  /** The data directory of the server. */
  readonly data: string;
  /** Where the client works. Inputs and outputs of tasks may lie below it. */
  readonly files: string;
  /** Mounted into every task under the same path, for reading and writing; not for inputs and outputs unless opened. */
  readonly shared: string;
  run(command: readonly string[], options?: Partial<RunOptions>): Promise<Result>;
  /** All tasks so far, oldest first, in full. */
  tasks(): Promise<readonly WireTask[]>;
  remove(): Promise<void>;
}

export interface WorldOptions {
  readonly client: ClientName;
  /** Environment of every task. */
  readonly taskEnvironment?: (venv: string) => Readonly<Record<string, string>>;
  /** Inputs and outputs may lie in the shared folder too, and service-info says so. */
  readonly openShared?: boolean;
  /** The shared folder is no mount but a live root: tasks work in its folders that are their inputs. */
  readonly liveShared?: boolean;
  /** More lines of the configuration. */
  readonly config?: string;
}

const table = (values: Readonly<Record<string, string>>): string =>
  `{ ${Object.entries(values)
    .map(([key, value]) => `${JSON.stringify(key)} = ${JSON.stringify(value)}`)
    .join(', ')} }`;

const mount = (host: string, inside: string, mode: 'ro' | 'rw'): string =>
  table({ host, path: inside, mode });

/** A folder of the user that the client and the tasks run as. */
const makeFolder = (folder: string): string => {
  mkdirSync(folder, { recursive: true });
  if (taskUser !== undefined) chownSync(folder, taskUser.uid, taskUser.gid);
  return folder;
};

export const createWorld = async ({
  client,
  taskEnvironment = () => ({}),
  openShared = false,
  liveShared = false,
  config = '',
}: WorldOptions): Promise<World> => {
  const venv = await install(client);
  // Not below /tmp: client and tasks each have one of their own.
  const folder = mkdtempSync('/var/tmp/magnetar-clients-');
  chmodSync(folder, 0o755);
  const [work, shared, files, home] = ['work', 'work/shared', 'work/files', 'work/home'].map(
    (name) => makeFolder(path.join(folder, name)),
  ) as [string, string, string, string];
  const venvCopy = await reachable(venv, folder);
  const site = { ...(await createSite()), files };
  const mounts = [
    mount(venvCopy, venv, 'ro'),
    ...(liveShared ? [] : [mount(shared, shared, 'rw')]),
  ];
  const environment = { PATH: `${venv}/bin:/usr/bin:/bin`, ...taskEnvironment(venv) };
  writeFileSync(
    site.config,
    `${openShared ? `allow_dangerous_mounts = ["${shared}"]` : ''}
${config}
[storage.file]
allow = ["*"]
${openShared ? `read = ["${shared}"]\nwrite = ["${shared}"]` : ''}
${liveShared ? `[[storage.file.roots]]\npath = "${shared}"\nmode = "rw"\nlive = true` : ''}
[[destinations]]
name = "local"
transport = "embedded"
runtime = "bubblewrap"
max_jobs = 4
mounts = [${mounts.join(', ')}]
env = ${table(environment)}
`,
  );
  const server = await startServer(site);
  return {
    server,
    data: site.data,
    files,
    shared,
    run: (command, options = {}) =>
      runClient({ venv, venvCopy, folder: work, home }, command, { cwd: files, ...options }),
    async tasks() {
      const answer = await fetch(`${server.url}/v1/tasks?view=FULL`);
      const { tasks } = (await answer.json()) as { readonly tasks: readonly WireTask[] };
      return tasks.toReversed();
    },
    async remove() {
      await server.stop();
      await site.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
