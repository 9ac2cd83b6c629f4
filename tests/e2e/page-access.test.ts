/** The page in a real browser where credentials are needed: each configured way in works from it, and no other is offered. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApiToken } from '../../src/access/tokens.ts';
import { addUser } from '../../src/access/users.ts';
import { as, passwordOf } from '../support/access.ts';
import { startBrowser, type Browser, type Page } from '../support/browser.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../support/oidc/issuer.ts';
import { PAGE_CLIENT } from '../support/oidc/sign-in.ts';
import { createSite, startServer, type Server, type Site } from '../support/server/server.ts';
import {
  authorize,
  click,
  closeAuthorized,
  createThrough,
  idIn,
  listThrough,
  openDialog,
  openDocs,
  pressAuthorize,
} from '../support/swagger-page.ts';

const TASK = { name: 'from the page', executors: [{ image: 'any', command: ['echo', 'seen'] }] };
const CREATED = '2026-01-01T00:00:00.000Z';

let issuer: TestIssuer;
let site: Site;
let server: Server;
let browser: Browser;
let token: string;
let redirect: string;

beforeAll(async () => {
  issuer = await startIssuer();
  site = await createSite({
    config: `[auth]
modes = ["basic", "token", "oidc"]
token_header = "X-API-Key"
token_parameter = "api_key"
[[auth.issuers]]
issuer = "${issuer.url}"
audiences = ["${AUDIENCE}"]
page_client_id = "${PAGE_CLIENT}"
page_scopes = ["openid", "groups"]`,
  });
  await addUser(join(site.data, 'users.json'), {
    name: 'alice',
    password: passwordOf('alice'),
    created: CREATED,
  });
  token = await createApiToken(join(site.data, 'tokens.json'), { name: 'alice', created: CREATED });
  redirect = `http://127.0.0.1:${String(site.port)}/docs/oauth2-redirect.html`;
  issuer.signIn.register(redirect);
  server = await startServer(site);
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await site.remove();
  await issuer.stop();
});

const open = async (): Promise<Page> => {
  const page = await browser.open();
  await openDocs(page, `${server.url}/`);
  return page;
};

const ask = (path: string, headers: Readonly<Record<string, string>>) =>
  fetch(`${server.url}/ga4gh/tes/v1/${path}`, { headers });

const tasksOf = async (headers: Readonly<Record<string, string>>): Promise<readonly string[]> => {
  const { tasks } = (await (await ask('tasks', headers)).json()) as { tasks: { id: string }[] };
  return tasks.map(({ id }) => id);
};

/** Creates a task through the page and finds it in the page's list. */
const createAndSee = async (page: Page): Promise<string> => {
  const created = await createThrough(page, TASK);
  expect(created.status).toMatch(/^200/);
  const list = await listThrough(page);
  expect([list.status, list.body]).toEqual([
    expect.stringMatching(/^200/),
    expect.stringContaining(idIn(created)),
  ]);
  return idIn(created);
};

const LOCKED = `[...document.querySelectorAll('.auth-wrapper .authorize')].map((one) => one.classList.contains('locked'))`;

describe('the page of a server with access control', () => {
  it('offers the configured ways, for both documents', async () => {
    const page = await open();
    expect(await openDialog(page)).toEqual([
      'BasicAuth',
      'BearerAuth',
      'TokenHeader',
      'TokenParameter',
      'SignIn1',
    ]);
    expect(page.problems).toEqual([]);
  });

  it('T96: by Basic a user who authorises creates a task and sees it complete', async () => {
    const page = await open();
    expect((await createThrough(page, TASK)).status).toMatch(/^401/);
    await authorize(page, 'BasicAuth', ['alice', passwordOf('alice')]);
    expect(await page.evaluate(LOCKED)).toEqual([true, true]);
    const id = await createAndSee(page);
    const read = async () =>
      (await (await ask(`tasks/${id}`, as('alice'))).json()) as { state: string };
    await expect.poll(read, { timeout: 60_000 }).toMatchObject({ state: 'COMPLETE' });
  });

  it('T96: by Basic a wrong password is 401 on the page, without a question of the browser', async () => {
    const before = await tasksOf(as('alice'));
    const page = await open();
    await page.intercept();
    await authorize(page, 'BasicAuth', ['alice', 'wrong']);
    const refused = await createThrough(page, TASK);
    expect(refused.status).toMatch(/^401/);
    expect(refused.body).toContain('user or password is wrong');
    expect(page.questions).toEqual([]);
    expect(await tasksOf(as('alice'))).toEqual(before);
  });

  it.each(['BearerAuth', 'TokenHeader', 'TokenParameter'])(
    '%s: an API token does, and none does no more after logging out',
    async (scheme) => {
      const page = await open();
      await authorize(page, scheme, [token]);
      const id = await createAndSee(page);
      expect(await tasksOf(as('alice'))).toContain(id);
      await openDialog(page);
      await click(
        page,
        `[...document.querySelectorAll('.modal-ux button')].find((one) => one.textContent === 'Logout')`,
      );
      await click(page, `document.querySelector('.modal-ux .close-modal')`);
      expect(await page.evaluate(LOCKED)).toEqual([false, false]);
      expect((await listThrough(page)).status).toMatch(/^401/);
    },
  );

  it('T96: by PKCE a user signs in at the issuer, and the page acts for its subject', async () => {
    const page = await open();
    await openDialog(page);
    const popup = await page.popup(() => pressAuthorize(page, 'SignIn1'));
    await popup.until(`document.querySelector('#sign-in') !== null`, 'the page of the issuer');
    await click(popup, `document.querySelector('#sign-in')`);
    await closeAuthorized(page, 'SignIn1');
    expect(await page.evaluate(LOCKED)).toEqual([true, true]);

    const query = issuer.signIn.asked.at(-1) ?? new URLSearchParams();
    const form = issuer.posted.at(-1) ?? new URLSearchParams();
    expect(Object.fromEntries(query)).toMatchObject({
      response_type: 'code',
      client_id: PAGE_CLIENT,
      redirect_uri: redirect,
      scope: 'openid groups',
      code_challenge_method: 'S256',
    });
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '');
    expect(challenge.digest('base64url')).toBe(query.get('code_challenge'));

    const id = await createAndSee(page);
    const subject = { authorization: `Bearer ${await issuer.token()}` };
    expect(await tasksOf(subject)).toContain(id);
    expect(await tasksOf(as('alice'))).not.toContain(id);
    expect(page.problems).toEqual([]);
  });

  it('has no way in by an issuer that is down, says so, and has it again later', async () => {
    await server.stop();
    await issuer.stop();
    server = await startServer(site);
    const page = await open();
    expect(await page.evaluate(`document.getElementById('notices').innerText`)).toContain(
      `Signing in at ${issuer.url} is not possible now`,
    );
    expect(await openDialog(page)).not.toContain('SignIn1');
    await click(page, `document.querySelector('.modal-ux .close-modal')`);
    await authorize(page, 'BasicAuth', ['alice', passwordOf('alice')]);
    await createAndSee(page);
    await issuer.start();
    await expect
      .poll(async () => openDialog(await open()), { timeout: 30_000, interval: 500 })
      .toContain('SignIn1');
  });
});

describe('the issuer of these tests', () => {
  const verifier = 'v'.repeat(43);
  const challenge = createHash('sha256').update(verifier).digest('base64url');

  const authorizeWith = async (change: Readonly<Record<string, string>> = {}) => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: PAGE_CLIENT,
      redirect_uri: redirect,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...change,
    });
    const answer = await fetch(`${issuer.url}/authorize?${query.toString()}`);
    const code = /code=([0-9a-f-]+)/.exec(await answer.text())?.[1] ?? '';
    return { status: answer.status, code };
  };

  const redeem = async (code: string, change: Readonly<Record<string, string>> = {}) => {
    const form = {
      grant_type: 'authorization_code',
      client_id: PAGE_CLIENT,
      redirect_uri: redirect,
      code,
      code_verifier: verifier,
      ...change,
    };
    const body = new URLSearchParams(form);
    return (await fetch(`${issuer.url}/token`, { method: 'POST', body })).status;
  };

  it('gives a token for a code, once, and only to who knows the verifier', async () => {
    const { code } = await authorizeWith();
    expect([await redeem(code), await redeem(code)]).toEqual([200, 400]);
    for (const change of [
      { code_verifier: 'w'.repeat(43) },
      { code_verifier: challenge },
      { code_verifier: '' },
      { redirect_uri: 'http://127.0.0.1:1/' },
      { client_id: 'another' },
    ]) {
      expect(await redeem((await authorizeWith()).code, change)).toBe(400);
    }
  });

  it.each([
    { code_challenge_method: 'plain' },
    { code_challenge: '' },
    { client_id: 'another' },
    { redirect_uri: 'http://evil.example/' },
  ])('gives no code for %j', async (change) => {
    expect(await authorizeWith(change)).toEqual({ status: 400, code: '' });
  });
});
