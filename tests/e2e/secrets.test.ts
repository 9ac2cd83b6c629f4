/** Secrets in URLs on a real server with a real Pulsar: only the plan of the running job holds those that it may know, and nothing once it has ended. */
import { existsSync, readdirSync, readFileSync, writeFileSync, type Dirent } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { until } from '../support/until.ts';

/** In passwords, and in tokens. */
const HUSH = 'hush-4711';
const TOKEN = 'hush-token-42';

let site: Site;
let server: Server;
let web: HttpServer;
let host = '';
const stored = new Map<string, string>();

/** Serves and takes files for who knows the password and the token. */
const startWeb = async (): Promise<void> => {
  const wanted = `Basic ${Buffer.from(`ada:${HUSH}`).toString('base64')}`;
  web = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://h');
    const isKnown =
      searchParams.get('token') === TOKEN &&
      (pathname === '/open' || req.headers.authorization === wanted);
    let body = '';
    req.setEncoding('utf8').on('data', (text: string) => (body += text));
    req.on('end', () => {
      if (req.method === 'PUT' && isKnown) stored.set(pathname, body);
      res.statusCode = isKnown && pathname !== '/missing' ? 200 : 404;
      res.end('data');
    });
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  host = `127.0.0.1:${String((web.address() as AddressInfo).port)}`;
};

beforeAll(async () => {
  await startWeb();
  site = await createSite({ config: '[storage.http]\nallow = ["127.0.0.1"]\n' });
  server = await startServer(site);
});

afterAll(async () => {
  await server.stop();
  await site.remove();
  web.close();
});

const urlOf = (path: string): string => `http://ada:${HUSH}@${host}${path}?token=${TOKEN}`;
const mark = (name: string): string => join(site.marks, name);

const contentOf = (path: string): string => {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // gone meanwhile
  }
};

/** Jobs are removed while this looks: a folder that is gone holds nothing. */
const filesBelow = (folder: string): readonly string[] => {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
};

const entriesOf = (folder: string): readonly Dirent[] => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (existsSync(folder)) throw error;
    return [];
  }
};

/** In the data directory with database, log, Pulsar and its jobs, and what else is below the site. */
const filesWith = (text: string): readonly string[] =>
  filesBelow(site.directory).filter((path) => contentOf(path).includes(text));

const commandLinesWith = (text: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => ['cmdline', 'environ'].map((name) => contentOf(`/proc/${pid}/${name}`)))
    .filter((line) => line.includes(text));

const answersAbout = async (id: string): Promise<string> => {
  const paths = ['', 'BASIC', 'FULL'].flatMap((view) =>
    [`tasks/${id}`, 'tasks'].map(
      (path) => `${server.url}/ga4gh/tes/v1/${path}?view=${view || 'MINIMAL'}`,
    ),
  );
  return (await Promise.all(paths.map(async (path) => (await fetch(path)).text()))).join('\n');
};

it('are in the plan of the running job alone, and nowhere once the task has ended', async () => {
  const script = 'cat /in > /out; touch /marks/runs; until [ -e /marks/end ]; do sleep 0.05; done';
  const id = await server.tes.create({
    inputs: [
      { url: urlOf('/in'), path: '/in' },
      { url: `http://${host}/open?token=${TOKEN}`, path: '/open' },
    ],
    outputs: [{ url: urlOf('/out'), path: '/out' }],
    executors: [{ image: 'any', command: ['sh', '-c', script] }],
  });
  await until(() => existsSync(mark('runs')), { timeoutMs: 60_000, what: 'the start' });
  expect(filesWith(HUSH)).toEqual([]); // passwords stay with the server, which moves this data
  expect(filesWith(TOKEN).map((path) => basename(path))).toEqual(['plan.json']);
  expect(commandLinesWith('hush-')).toEqual([]);
  writeFileSync(mark('end'), '');
  const task = await server.tes.ended(id);
  expect(task.state).toBe('COMPLETE');
  expect(stored.get('/out')).toBe('data');
  expect(JSON.stringify(task)).toContain(`http://${host}/out`);
  await until(() => filesWith('hush-').length === 0, {
    timeoutMs: 60_000,
    what: 'the end of the plan',
  });
  expect(await answersAbout(id)).not.toContain('hush-');
  expect(server.output()).not.toContain('hush-');
});

it('are in no message of a transfer that fails, and erased all the same', async () => {
  const id = await server.tes.create({
    inputs: [{ url: urlOf('/missing'), path: '/in' }],
    executors: [{ image: 'any', command: ['true'] }],
  });
  expect((await server.tes.ended(id)).state).toBe('SYSTEM_ERROR');
  await until(() => filesWith('hush-').length === 0, {
    timeoutMs: 60_000,
    what: 'the end of the plan',
  });
  const answers = await answersAbout(id);
  expect(answers).toContain(`http://${host}/missing`);
  expect(answers).not.toContain('hush-');
  expect(server.output()).not.toContain('hush-');
});
