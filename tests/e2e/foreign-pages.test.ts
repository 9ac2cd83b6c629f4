/** DESIGN section 9 in a real browser: pages of foreign origins, and of names that lead to this machine, create, read and cancel nothing. */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUser } from '../../src/access/users.ts';
import { as, passwordOf } from '../support/access.ts';
import { attack } from '../support/attack.ts';
import { startBrowser, type Browser, type Page } from '../support/browser.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import { FOREIGN_PAGE, startStaticSite, type StaticSite } from '../support/static-site.ts';
import { until } from '../support/until.ts';

const FOREIGN_NAME = 'evil.example';

/** Runs until a file is there. */
const victimOf = (mark: string) => ({
  name: 'of somebody else',
  executors: [
    { image: 'any', command: ['sh', '-c', `while ! test -e /marks/${mark}; do sleep 0.1; done`] },
  ],
});
const TASK = { name: 'of a page', executors: [{ image: 'any', command: ['true'] }] };

let browser: Browser;
let foreign: StaticSite;
let friend: StaticSite;

beforeAll(async () => {
  browser = await startBrowser({ hosts: { [FOREIGN_NAME]: '127.0.0.1' } });
  foreign = await startStaticSite();
  friend = await startStaticSite();
});

afterAll(async () => {
  await browser.close();
  await foreign.close();
  await friend.close();
});

interface Mode {
  readonly title: string;
  readonly config: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What keeps a foreign name out. */
  readonly hostRefusal: string;
}

const MODES: readonly Mode[] = [
  { title: 'without authentication', config: '', headers: {}, hostRefusal: 'HOST_REFUSED' },
  {
    title: 'with passwords, one of which the browser keeps',
    config: '[auth]\nmodes = ["basic"]',
    headers: as('alice'),
    hostRefusal: 'UNAUTHENTICATED',
  },
];

const originOf = ({ port }: StaticSite, name = '127.0.0.1') => `http://${name}:${String(port)}`;

describe.each(MODES)('$title', ({ config, headers, hostRefusal }) => {
  let site: Site;
  let server: Server;

  beforeAll(async () => {
    site = await createSite({
      config: `[server]\nallowed_origins = ["${originOf(friend)}"]\n${config}`,
    });
    await addUser(join(site.data, 'users.json'), {
      name: 'alice',
      password: passwordOf('alice'),
      created: '2026-01-01T00:00:00.000Z',
    });
    server = await startServer(site);
  });

  afterAll(async () => {
    await server.stop();
    await site.remove();
  });

  const api = () => `${server.url}/ga4gh/tes/v1`;

  const ask = async (path: string, body?: object): Promise<unknown> => {
    const post = {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    return (await fetch(`${api()}/${path}`, body === undefined ? { headers } : post)).json();
  };

  const stateOf = async (id: string): Promise<string> =>
    ((await ask(`tasks/${id}`)) as { state: string }).state;

  /** Ids of all tasks, as the server knows them. */
  const stored = async (): Promise<readonly string[]> =>
    ((await ask('tasks')) as { tasks: { id: string }[] }).tasks.map(({ id }) => id);

  const reached = (id: string, states: RegExp): Promise<string> =>
    until(
      async () => {
        const state = await stateOf(id);
        return states.test(state) && state;
      },
      { what: `${id} to be ${states.source}`, timeoutMs: 60_000 },
    );

  interface Victim {
    readonly id: string;
    /** Lets it end, and answers how it ended. */
    end(): Promise<string>;
  }

  /** A task that runs. */
  const createVictim = async (): Promise<Victim> => {
    const mark = randomUUID();
    const { id } = (await ask('tasks', victimOf(mark))) as { id: string };
    await reached(id, /RUNNING/);
    return {
      id,
      end() {
        writeFileSync(join(site.marks, mark), '');
        return reached(id, /COMPLETE|CANCELED|ERROR/);
      },
    };
  };

  /** A page whose browser knows the password where there is one. */
  const openKnowing = async (): Promise<Page> => {
    const page = await browser.open();
    const user =
      Object.keys(headers).length > 0 ? `alice:${encodeURIComponent(passwordOf('alice'))}@` : '';
    for (const url of [api().replace('//', `//${user}`), api()]) {
      await page.goto(`${url}/tasks`);
      await page.until(`document.body.innerText.includes('"tasks"')`, 'the tasks');
    }
    return page;
  };

  const visit = async (page: Page, url: string): Promise<void> => {
    await page.goto(url);
    await page.until(
      `document.readyState === 'complete' && location.href === ${JSON.stringify(url)}`,
      'the page',
    );
  };

  /** What the server has written of calls for tasks since a moment: method, path, result. */
  const audited = (from: number): readonly string[] =>
    server
      .output()
      .slice(from)
      .split('\n')
      .filter((line) => line.includes('"audit":true'))
      .map((line) => JSON.parse(line) as { method: string; path: string; result: string })
      .map(({ method, path, result }) => `${method} ${path.replace('/ga4gh/tes/v1', '')} ${result}`)
      .filter((line) => line.includes('/tasks'));

  /** The last column: whether what such a page asks for comes with the password that the browser keeps, where one is needed. */
  const PAGES: readonly (readonly [string, () => string, boolean])[] = [
    ['of another port', () => `${originOf(foreign)}/`, true],
    ['of another port, without a referrer', () => `${originOf(foreign)}/silent`, true],
    [
      'of another name',
      () => `${originOf(foreign, FOREIGN_NAME)}/`,
      Object.keys(headers).length === 0,
    ],
  ];

  const UNREAD = Object.fromEntries(
    [
      ...['create by JSON', 'create by text', 'create by form'],
      ...['read', 'read by script', 'read by image', 'read by frame'],
      ...['cancel', 'cancel by form'],
    ].map((means) => [means, 'unread']),
  );
  const OPAQUE = {
    'create blindly': 'opaque',
    'read blindly': 'opaque',
    'cancel blindly': 'opaque',
  };

  it.each(PAGES)('a page %s stores, reads and cancels nothing', async (_, url, isKnown) => {
    const victim = await createVictim();
    const before = await stored();
    const page = await openKnowing();
    await visit(page, url());
    const from = server.output().length;
    const learned = await attack(page, { api: api(), victim: victim.id, task: TASK });
    expect(learned).toEqual({ ...UNREAD, ...OPAQUE });
    expect(await stored()).toEqual(before);
    expect(await victim.end()).toBe('COMPLETE');
    const lines = audited(from);
    expect(lines.filter((line) => !line.startsWith('GET'))).toEqual([
      'OPTIONS /tasks ORIGIN_REFUSED',
      ...Array<string>(3).fill('POST /tasks ORIGIN_REFUSED'),
      ...Array<string>(3).fill(`POST /tasks/${victim.id}:cancel ORIGIN_REFUSED`),
    ]);
    expect(lines.every((line) => !line.endsWith('UNAUTHENTICATED'))).toBe(isKnown);
  });

  it('a page of a name that was made to lead here stores, reads and cancels nothing', async () => {
    const victim = await createVictim();
    const before = await stored();
    const rebound = server.url.replace('127.0.0.1', FOREIGN_NAME);
    const page = await openKnowing();
    await page.intercept({ [`${rebound}/attack`]: FOREIGN_PAGE });
    await visit(page, `${rebound}/attack`);
    const from = server.output().length;
    const plan = { api: `${rebound}/ga4gh/tes/v1`, victim: victim.id, task: TASK };
    const learned = await attack(page, plan);
    const refused = expect.stringContaining(`"code":"${hostRefusal}"`) as string;
    const readable = ['create by JSON', 'create by text', 'read', 'cancel', ...Object.keys(OPAQUE)];
    const wanted = Object.fromEntries(readable.map((means) => [means, refused]));
    expect(learned).toEqual({ ...UNREAD, ...wanted });
    expect(await stored()).toEqual(before);
    expect(await victim.end()).toBe('COMPLETE');
    expect(audited(from)).toEqual([
      ...Array<string>(4).fill(`POST /tasks ${hostRefusal}`),
      ...Array<string>(3).fill(`GET /tasks ${hostRefusal}`),
      `GET /tasks/${victim.id} ${hostRefusal}`,
      `GET /tasks ${hostRefusal}`,
      ...Array<string>(3).fill(`POST /tasks/${victim.id}:cancel ${hostRefusal}`),
    ]);
    expect(page.questions.length > 0).toBe(hostRefusal === 'UNAUTHENTICATED');
  });

  it('T11: a page of an allowed origin creates, reads and cancels, by JSON only', async () => {
    const victim = await createVictim();
    const before = await stored();
    const page = await browser.open();
    await visit(page, `${originOf(friend)}/`);
    const plan = { api: api(), victim: victim.id, task: TASK, headers };
    const learned = await attack(page, plan);
    expect(learned).toMatchObject({
      'create by JSON': expect.stringMatching(/^200 {"id":/) as string,
      'create by text': expect.stringMatching(/^415/) as string,
      'create by form': 'unread',
      read: expect.stringContaining(victim.id) as string,
      cancel: '200 {}',
    });
    const [id = '', ...others] = (await stored()).filter((one) => !before.includes(one));
    expect(others).toEqual([]);
    expect(learned['create by JSON']).toContain(id);
    expect(await reached(victim.id, /CANCELED|COMPLETE/)).toBe('CANCELED');
  });
});
