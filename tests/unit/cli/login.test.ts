/** `tes login`, `tes token`, and what `tes` sends to which server. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { logIn } from '../../../src/cli/device-flow.ts';
import { runTes } from '../../../src/cli/tes.ts';
import { tesEnvironmentOf, type Environment } from '../../../src/config/environment.ts';
import { createCapturedOutput } from '../../support/captured-output.ts';
import { startIssuer, type TestIssuer } from '../../support/oidc/issuer.ts';
import { createTempFolder } from '../../support/temp-folder.ts';
import { startTesStub, type TesStub } from '../../support/tes-stub.ts';
import { createVirtualClock } from '../../support/virtual-clock.ts';

let issuer: TestIssuer;
beforeEach(async () => {
  issuer = await startIssuer();
});
afterEach(() => issuer.stop());

const createUser = (more: Environment = {}) => {
  const folder = createTempFolder();
  const environment = tesEnvironmentOf({ XDG_CONFIG_HOME: folder, ...more });
  const run = async (...argv: readonly string[]) => {
    const output = createCapturedOutput();
    const code = await runTes(argv, { environment, output });
    return { code, stdout: output.stdout(), stderr: output.stderr() };
  };
  const login = (url: string) =>
    run('login', '--url', url, '--issuer', issuer.url, '--client-id', 'tes');
  return { run, login, file: join(folder, 'magnetar', 'logins.json') };
};

describe('tes login', () => {
  it('shows where to go, waits, and keeps the token for this user alone', async () => {
    const { run, login, file } = createUser();
    issuer.deviceAnswers('authorization_pending', 'authorization_pending');
    const { code, stderr, stdout } = await login('http://127.0.0.1:9/');
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(`open ${issuer.url}/activate and enter WDJB-MJHT`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const [device, ...polls] = issuer.posted.map((form) => Object.fromEntries(form));
    expect(device).toEqual({ client_id: 'tes', scope: 'openid offline_access' });
    expect(polls).toHaveLength(3);
    expect(polls[0]).toMatchObject({ client_id: 'tes', device_code: 'device-code' });
    const token = (await run('token', '--url', 'http://127.0.0.1:9')).stdout;
    expect(token.split('.')).toHaveLength(3);
    expect(stderr + stdout).not.toContain(token);
  });

  it.each([
    ['access_denied', /the login was refused: access_denied/],
    ['expired_token', /the login was refused: expired_token/],
    ['constructor', /the login was refused: constructor/],
  ])('ends at %s', async (error, message) => {
    const { login } = createUser();
    issuer.deviceAnswers(error);
    const { code, stderr } = await login('http://127.0.0.1:9');
    expect([code, message.test(stderr)]).toEqual([1, true]);
  });

  it('slows down when told to, and gives up in time', async () => {
    const clock = createVirtualClock();
    issuer.deviceAnswers(
      'slow_down',
      ...Array.from({ length: 500 }, () => 'authorization_pending'),
    );
    const client = { issuer: issuer.url, clientId: 'tes', scope: 'openid' };
    const { signal } = new AbortController();
    const ended = logIn(client, () => undefined, { clock, signal }).catch(
      (error: unknown) => error,
    );
    const state = { over: false };
    void ended.then(() => {
      state.over = true;
    });
    for (let n = 0; n < 200 && !state.over; n += 1) {
      await Promise.race([clock.untilSleeping(), ended]);
      await clock.advance(5000);
    }
    expect(await ended).toMatchObject({ message: 'the login was not confirmed in time' });
    expect(issuer.count('/token')).toBeLessThanOrEqual(122); // 600 s at 5 s, after the first
  });

  it('sends nothing in the clear, and says when no issuer answers', async () => {
    const { run, login } = createUser();
    expect((await login('http://tes.example.org')).stderr).toContain('https only');
    const argv = ['login', '--url', 'http://127.0.0.1:9', '--client-id', 'tes', '--issuer'];
    expect((await run(...argv, 'http://sso.example.org')).stderr).toContain('https only');
    expect((await run(...argv, `${issuer.url}/`)).stderr).toContain('of another issuer');
    await issuer.stop();
    expect((await login('http://127.0.0.1:9')).stderr).toContain('cannot log in at');
    await issuer.start();
  });
});

describe('tes token', () => {
  it('prints the same token while it holds, and renews it before it expires', async () => {
    const { run, login } = createUser();
    const url = 'http://127.0.0.1:9';
    await login(url);
    const token = async () => (await run('token', '--url', url)).stdout;
    const first = await token();
    expect(await token()).toBe(first);
    issuer.tokenLife(30);
    await login(url);
    const second = await token();
    expect(second).not.toBe(first);
    expect(await token()).not.toBe(second);
    expect(Object.fromEntries(issuer.posted.at(-1) ?? [])).toMatchObject({
      grant_type: 'refresh_token',
      client_id: 'tes',
    });
  });

  it('uses each refresh token once, however many commands renew at the same time', async () => {
    const { run, login } = createUser();
    const url = 'http://127.0.0.1:9';
    issuer.tokenLife(30);
    await login(url);
    const before = issuer.posted.length;
    const ends = await Promise.all([1, 2, 3].map(() => run('token', '--url', url)));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
    const used = issuer.posted.slice(before).map((form) => form.get('refresh_token'));
    expect(used).toHaveLength(3);
    expect(new Set(used).size).toBe(3);
  });

  it('says how to log in when there is no login, or it has ended', async () => {
    const { run, login } = createUser();
    const url = 'http://127.0.0.1:9';
    expect((await run('token', '--url', url)).stderr).toContain(`tes login --url ${url}`);
    issuer.tokenLife(1);
    await login(url);
    issuer.deviceAnswers('invalid_grant');
    const { code, stderr } = await run('token', '--url', url);
    expect(code).toBe(1);
    expect(stderr).toContain(`log in again: tes login --url ${url} --issuer ${issuer.url}`);
  });
});

describe('tes logout', () => {
  const url = 'http://127.0.0.1:9';

  it('forgets the login of this server alone and revokes its refresh token', async () => {
    const { run, login, file } = createUser();
    await login(url);
    await login('http://127.0.0.1:10');
    issuer.revokes(200);
    const { code, stdout, stderr } = await run('logout', '--url', `${url}/`, '--json');
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ url, revoked: true });
    expect(Object.fromEntries(issuer.posted.at(-1) ?? [])).toEqual({
      client_id: 'tes',
      token: 'refresh-1',
      token_type_hint: 'refresh_token',
    });
    expect((await run('token', '--url', url)).code).toBe(1);
    expect((await run('token', '--url', 'http://127.0.0.1:10')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('refresh-1');
    expect((await run('logout', '--url', url)).stderr).toContain(`there is no login for ${url}`);
  });

  it('is not undone by a renewal under way, and revokes what that brings', async () => {
    const { run, login, file } = createUser();
    issuer.tokenLife(30);
    await login(url);
    issuer.revokes(200);
    const [, logout] = await Promise.all([run('token', '--url', url), run('logout', '--url', url)]);
    expect(logout.code, logout.stderr).toBe(0);
    expect(readFileSync(file, 'utf8')).not.toContain('refresh-');
    const given = issuer.posted.filter((form) => form.has('grant_type')).length;
    const revoked = issuer.posted.find((form) => form.has('token_type_hint'))?.get('token');
    expect(revoked).toBe(`refresh-${String(given)}`);
  });

  it('says that the issuer revokes nothing, or has not, and forgets the login all the same', async () => {
    const { run, login } = createUser();
    await login(url);
    const silent = await run('logout', '--url', url);
    expect([silent.code, silent.stdout]).toEqual([0, '']);
    expect(silent.stderr).toContain('a copy holds until it expires');
    await login(url);
    issuer.revokes(503);
    const failed = await run('logout', '--url', url);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain(`${issuer.url} has not revoked the token: status 503`);
    expect((await run('token', '--url', url)).code).toBe(1);
  });
});

describe('credentials of tes', () => {
  const sentTo = async (user: ReturnType<typeof createUser>, url: string, stub: TesStub) => {
    await user.run('ls', '--url', url);
    return stub.authorizations.at(-1);
  };

  it('are the login of this very server, and the environment goes before it', async () => {
    const [mine, other] = [await startTesStub(), await startTesStub()];
    const user = createUser();
    await user.login(mine.url);
    const token = (await user.run('token', '--url', mine.url)).stdout;
    expect(await sentTo(user, `${mine.url}/`, mine)).toBe(`Bearer ${token}`);
    expect(await sentTo(user, other.url, other)).toBeUndefined();
    const withToken = createUser({ TES_TOKEN: 'from-environment' });
    expect(await sentTo(withToken, mine.url, mine)).toBe('Bearer from-environment');
    const withPassword = createUser({ TES_USER: 'a', TES_PASSWORD: 'b' });
    expect(await sentTo(withPassword, mine.url, mine)).toBe('Basic YTpi');
  });
});
