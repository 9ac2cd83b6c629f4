/** Folders by the index pages of real servers, and by pages that mean no good. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ObjectStorage } from '../../../src/tasks/ports/object-storage.ts';
import {
  anySignal,
  expectFailure,
  openHttp,
  readText,
  startOrigin,
  type Serve,
} from '../../support/storage/http-origin.ts';
import { startNginx } from '../../support/storage/nginx.ts';
import { freePort } from '../../support/storage/ports.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { until } from '../../support/until.ts';

const NAMES = ['100%', 'a"b<c>', 'a#b?c', 'a&b.txt', 'a:b', "it's", 'plus+', 'two words', 'ä é 🦆'];

const listAll = async (storage: ObjectStorage, url: string) => {
  const entries = [];
  for await (const entry of storage.list(url, anySignal())) entries.push(entry);
  return entries;
};

/** Every file is read where the list says that it is. */
const expectTree = async (storage: ObjectStorage, url: string): Promise<void> => {
  const entries = await listAll(storage, url);
  const shown = entries.map(({ kind, path }) => `${kind} ${path.join('/')}`);
  expect(shown.sort()).toEqual(
    [
      ...['folder empty', 'folder inner dir', 'folder inner dir/a&b'],
      ...NAMES.flatMap((name) => [`file ${name}`, `file inner dir/a&b/${name}`]),
    ].sort(),
  );
  for (const { kind, path, url: address } of entries) {
    if (kind === 'file') expect(await readText(storage, address)).toBe(path.join('/'));
  }
};

describe('the pages of', () => {
  it.each(['html', 'json'])('nginx in %s show a tree', async (format) => {
    const nginx = await startNginx();
    onTestFinished(() => nginx.stop());
    await nginx.putFolder(['tree', 'empty']);
    for (const folder of [[], ['inner dir', 'a&b']]) {
      for (const name of NAMES) {
        await nginx.put(['tree', ...folder, name], Buffer.from([...folder, name].join('/')));
      }
    }
    const place = format === 'json' ? 'json' : 'open';
    await expectTree(openHttp(), `http://127.0.0.1:${String(nginx.port)}/${place}/tree/`);
  });

  it('Python show a tree', async () => {
    const folder = createTempFolder();
    for (const part of ['', 'inner dir/a&b', 'empty']) {
      await mkdir(join(folder, part), { recursive: true });
      if (part === 'empty') continue;
      for (const name of NAMES) await writeFile(join(folder, part, name), join(part, name));
    }
    const port = await freePort();
    const args = ['-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', folder];
    const child = spawn('python3', args, { stdio: 'ignore' });
    const ended = once(child, 'exit');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    const url = `http://127.0.0.1:${String(port)}/`;
    const storage = openHttp();
    const answers = (): Promise<boolean> =>
      storage.stat(url, anySignal()).then(
        () => true,
        () => false,
      );
    await until(answers, { what: 'http.server' });
    await expectTree(storage, url);
  });

  it('Apache show a folder: no orders, no parent, no icons', async () => {
    const page = await readFile(
      new URL('../../support/storage/pages/apache-2.4.txt', import.meta.url),
      'utf8',
    );
    const origin = await startOrigin((request, response) => {
      const inner = request.url?.endsWith('dir/') === true;
      response.setHeader('content-type', 'text/html;charset=UTF-8');
      response.end(inner ? '<h1>Index</h1><a href="/tree/">Parent Directory</a>' : page);
    });
    const entries = await listAll(openHttp(), `${origin.url}/tree/`);
    const wanted = ['ä é 🦆', '100%', 'a"b<c>', 'a#b?c', 'a&b.txt', 'a:b', 'data.tar.gz'];
    expect(entries.map(({ path }) => path)).toEqual(
      [...wanted, 'inner dir', "it's", 'plus+', 'two words.txt'].map((name) => [name]),
    );
    expect(entries.filter(({ kind }) => kind === 'folder')).toHaveLength(1);
    expect(origin.seen.map(({ path }) => path)).toEqual(['/tree/', '/tree/inner%20dir/']);
  });
});

const page =
  (links: (path: string) => readonly string[], type = 'text/html'): Serve =>
  (request, response) => {
    const body = links(request.url ?? '').map((link) => `<a href="${link}">x</a>`);
    response.writeHead(200, { 'content-type': type }).end(body.join('\n'));
  };

describe('a page', () => {
  it('that leads elsewhere is not followed there', async () => {
    const origin = await startOrigin(
      page((path) => [
        ...['/', '../', '..', '/other/', '//other.example/tree/x', 'http://169.254.169.254/tree/x'],
        ...['https://127.0.0.1/tree/x', '%2e%2e/', './../x', '/tree/../x', 'ftp://x/tree/y'],
        ...(path === '/tree/' ? ['x'] : []),
      ]),
    );
    const entries = await listAll(openHttp(), `${origin.url}/tree/`);
    expect(entries.map(({ path }) => path)).toEqual([['x']]);
    expect(origin.seen.map(({ path }) => path)).toEqual(['/tree/']);
  });

  it.each([
    ['shows a folder in itself without end', ['x/'], /lies more than 64 folders deep/],
    ['shows a name that leads up', ['..%2f..%2fetc'], /a name that is not usable/],
    ['shows a name that is no UTF-8', ['a%ff'], /a name that is not usable/],
    [
      'shows too many names',
      Array.from({ length: 100_001 }, (_, n) => String(n)),
      /more than 100000 names/,
    ],
    ['is too large', ['x'.repeat(9 * 1024 * 1024)], /more than 8388608 bytes/],
  ])('that %s is an error', async (_, links, message) => {
    const origin = await startOrigin(page(() => links));
    const error = await expectFailure(listAll(openHttp(), `${origin.url}/t/`), 'STORAGE_FAILED');
    expect(error.message).toMatch(message);
  });

  it('that does not end is left', async () => {
    const origin = await startOrigin((_, response) => {
      response.setHeader('content-type', 'text/html');
      const more = (): void => {
        let goesOn = true;
        while (goesOn && !response.destroyed) goesOn = response.write('<a '.repeat(20_000));
      };
      response.on('drain', more);
      more();
    });
    await expectFailure(listAll(openHttp(), `${origin.url}/t/`), 'STORAGE_FAILED');
    await until(async () => (await origin.open()) === 0, { what: 'end of the connection' });
  });

  it('that is no list is an error: an empty folder would be a lie', async () => {
    for (const type of ['text/plain', 'application/octet-stream', 'image/png']) {
      const origin = await startOrigin(page(() => ['x'], type));
      const error = await expectFailure(listAll(openHttp(), `${origin.url}/t/`), 'STORAGE_FAILED');
      expect(error.message).toContain('shows no index page');
    }
    for (const body of ['{}', '[', '"x"']) {
      const origin = await startOrigin((_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end(body);
      });
      await expectFailure(listAll(openHttp(), `${origin.url}/t/`), 'STORAGE_FAILED');
    }
  });

  it('of a folder with a query is followed with it', async () => {
    const origin = await startOrigin(page((path) => (path.startsWith('/t/?') ? ['in/', 'x'] : [])));
    const entries = await listAll(openHttp(), `${origin.url}/t/?sig=a%2Fb`);
    expect(entries.map(({ url }) => url)).toEqual([
      `${origin.url}/t/in/?sig=a%2Fb`,
      `${origin.url}/t/x?sig=a%2Fb`,
    ]);
    expect(origin.seen.map(({ path }) => path)).toEqual(['/t/?sig=a%2Fb', '/t/in/?sig=a%2Fb']);
  });
});

describe('a folder that another host shows after a redirect', () => {
  const start = async () => {
    const other = await startOrigin(
      page((path) => (path === '/t/' ? ['x'] : [])),
      { host: '127.0.0.2' },
    );
    const origin = await startOrigin((_, response) => {
      response.writeHead(302, { location: `${other.url}/t/` }).end();
    });
    return { other, origin };
  };

  it('is read there without credentials and query', async () => {
    const { other, origin } = await start();
    const storage = openHttp({ hosts: [{ host: '127.0.0.1', token: 'hidden' }] });
    const entries = await listAll(storage, `${origin.url.replace('//', '//u:p@')}/t/?sig=1`);
    expect(entries.map(({ url }) => url)).toEqual([`${other.url}/t/x`]);
    expect(origin.seen[0]?.headers.authorization).toMatch(/^Basic /);
    expect(other.seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('is refused where that host has credentials of its own', async () => {
    const { origin } = await start();
    const storage = openHttp({ hosts: [{ host: '127.0.0.2', token: 'hidden' }] });
    await expectFailure(listAll(storage, `${origin.url}/t/`), 'STORAGE_REFUSED', 'hidden');
  });
});
