/** Redirects: followed up to a bound, each hop judged, credentials for nobody but the host that they are for. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { NGINX_PASSWORD, NGINX_USER, startNginx } from '../../support/storage/nginx.ts';
import {
  anySignal,
  expectFailure,
  openHttp,
  readText,
  startOrigin,
  type Serve,
} from '../../support/storage/http-origin.ts';

const redirect =
  (status: number, location: string): Serve =>
  (_, response) => {
    response.writeHead(status, { location }).end('moved');
  };
const hello: Serve = (_, response) => {
  response.writeHead(200, { 'content-length': 5 }).end('hello');
};
const USER = 'http-user';
const PASSWORD = 'p@ss word';
const BASIC = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])('%i is followed, also with a relative URL', async (status) => {
    const origin = await startOrigin((request, response) => {
      if (request.url === '/a/b?x=1') redirect(status, '../c?y=2#part')(request, response);
      else hello(request, response);
    });
    const storage = openHttp();
    expect(await readText(storage, `${origin.url}/a/b?x=1#part`)).toBe('hello');
    expect(await storage.stat(`${origin.url}/a/b?x=1`, anySignal())).toMatchObject({ size: 5 });
    expect(origin.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      ...['GET /a/b?x=1', 'GET /c?y=2', 'HEAD /a/b?x=1', 'HEAD /c?y=2'],
    ]);
  });

  it('of nginx is followed with the credentials of its host', async () => {
    const nginx = await startNginx();
    try {
      await nginx.put(['blob'], Buffer.from('hello'));
      const at = `127.0.0.1:${String(nginx.port)}`;
      const storage = openHttp({
        hosts: [{ host: at, user: NGINX_USER, password: NGINX_PASSWORD }],
      });
      expect(await readText(storage, `http://${at}/moved/blob`)).toBe('hello');
    } finally {
      await nginx.stop();
    }
  });

  it('is followed ten times, not more', async () => {
    const chain: Serve = (request, response) => {
      const n = Number(request.url?.slice(1));
      if (n === 0) hello(request, response);
      else redirect(302, `/${String(n - 1)}`)(request, response);
    };
    const origin = await startOrigin(chain);
    const storage = openHttp();
    expect(await readText(storage, `${origin.url}/10`)).toBe('hello');
    const error = await expectFailure(readText(storage, `${origin.url}/11`), 'STORAGE_FAILED');
    expect(error.message).toContain('redirects more than 10 times');
  });

  it('to itself ends', async () => {
    const origin = await startOrigin(redirect(302, '/loop'));
    await expectFailure(readText(openHttp(), `${origin.url}/loop`), 'STORAGE_FAILED');
    expect(origin.seen).toHaveLength(11);
  });

  it.each(['file:///etc/passwd', 'ftp://127.0.0.1/x', 'data:text/plain,x', 'gopher://x'])(
    'to %s is refused',
    async (location) => {
      const origin = await startOrigin(redirect(302, location));
      const error = await expectFailure(readText(openHttp(), origin.url), 'STORAGE_REFUSED');
      expect(error.message).toContain('redirects to a URL that is not http(s)');
    },
  );

  it.each(['http://', 'http://[', 'https://a b/'])('to %s fails', async (location) => {
    const origin = await startOrigin(redirect(302, location));
    await expectFailure(readText(openHttp(), origin.url), 'STORAGE_FAILED');
  });

  it('without a place fails', async () => {
    const origin = await startOrigin((_, response) => {
      response.writeHead(302).end();
    });
    await expectFailure(readText(openHttp(), origin.url), 'STORAGE_FAILED');
  });

  it.each(['http://127.0.0.2', 'http://2130706434', 'http://0x7f.2', 'http://[::ffff:7f00:2]'])(
    'to %s, an address that is not allowed, is refused',
    async (location) => {
      const origin = await startOrigin(redirect(302, location));
      const storage = openHttp({ allow: ['127.0.0.1'] });
      await expectFailure(readText(storage, origin.url), 'STORAGE_REFUSED');
    },
  );

  it('to a name that leads to an address that is not allowed is refused', async () => {
    const origin = await startOrigin(redirect(302, 'http://inside.example/'));
    const storage = openHttp({
      allow: ['127.0.0.1'],
      addressesOf: () => Promise.resolve([{ address: '127.0.0.2', family: 4 }]),
    });
    await expectFailure(readText(storage, origin.url), 'STORAGE_REFUSED');
  });
});

describe('credentials', () => {
  it.each(['the configuration', 'the URL'])('of %s do not go to another host', async (where) => {
    const other = await startOrigin(hello, { host: '127.0.0.2' });
    const origin = await startOrigin(redirect(302, `${other.url}/x`));
    const host = `127.0.0.1:${String(origin.port)}`;
    const inUrl = where === 'the URL';
    const storage = openHttp(inUrl ? {} : { hosts: [{ host, user: USER, password: PASSWORD }] });
    const userInfo = inUrl ? `${USER}:${encodeURIComponent(PASSWORD)}@` : '';
    expect(await readText(storage, `http://${userInfo}${host}/`)).toBe('hello');
    expect(origin.seen[0]?.headers.authorization).toBe(BASIC);
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });

  it('do not go to another port, nor come back from there', async () => {
    let first = '';
    const other = await startOrigin((request, response) => {
      redirect(302, `${first}/end`)(request, response);
    });
    const origin = await startOrigin((request, response) => {
      if (request.url === '/end') hello(request, response);
      else redirect(302, `${other.url}/x`)(request, response);
    });
    first = origin.url;
    const storage = openHttp({ hosts: [{ host: '127.0.0.1', token: 'hidden' }] });
    expect(await readText(storage, `${origin.url}/start`)).toBe('hello');
    const sent = [...origin.seen, ...other.seen].map(({ headers }) => headers.authorization);
    expect(sent).toEqual(['Bearer hidden', undefined, undefined]);
  });

  it('that a redirect brings along, or that are configured for where it leads, are not used', async () => {
    const other = await startOrigin(hello, { host: '127.0.0.2' });
    const there = other.url.replace('//', '//own:secret@');
    const origin = await startOrigin(redirect(302, `${there}/x`));
    const storage = openHttp({ hosts: [{ host: '127.0.0.2', token: 'hidden' }] });
    expect(await readText(storage, `${origin.url}/start`)).toBe('hello');
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });
});

describe('a redirect of what is to be stored', () => {
  it.each([301, 302, 303, 307, 308])('with %i fails, and says where to', async (status) => {
    const origin = await startOrigin(redirect(status, 'http://u:hidden@127.0.0.1:1/x?key=hidden'));
    const write = openHttp().write(`${origin.url}/a`, Readable.from([Buffer.from('x')]), {
      ...anySignal(),
      size: 1,
    });
    const error = await expectFailure(write, 'STORAGE_FAILED', 'hidden');
    expect(error.message).toBe(
      `${origin.url}/a: redirects what is to be stored to http://127.0.0.1:1/x`,
    );
  });
});
