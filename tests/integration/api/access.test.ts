/** T96, T7, C16: who may call, what a principal sees, what it may do, and what is written down about it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addUser, removeUser } from '../../../src/access/users.ts';
import { revokeApiToken } from '../../../src/access/tokens.ts';
import { accessWith, as, basicOf, createAccessSite, passwordOf } from '../../support/access.ts';
import type { AccessSite } from '../../support/access.ts';
import { until } from '../../support/until.ts';
import { bodyOf, idOf, listedIn, MINIMAL_TASK, startHarness, type Harness } from './harness.ts';

const NO_LIMIT = { queued: 0, stored: 0 };

let site: AccessSite;
let h: Harness;
beforeAll(async () => {
  site = await createAccessSite(
    ['alice', 'bob', 'root', 'eye', 'gone'],
    ['alice', 'robot', 'revoked'],
  );
  h = await startHarness((deps) => ({
    security: { ...deps.security, allowedHosts: 'any' },
    access: accessWith(
      { basic: { file: site.usersFile }, tokens: { file: site.tokensFile } },
      {
        roles: { admins: ['user:root'], viewers: ['user:eye'] },
        tokenHeader: 'x-api-key',
        tokenParameter: 'api_key',
      },
    ),
  }));
});
afterAll(async () => {
  await h.close();
  site.remove();
});

type Headers = Readonly<Record<string, string>>;

const create = async (headers: Headers, task: object = MINIMAL_TASK) =>
  h.call('tasks', {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify(task),
  });

const tokenOf = (name: string): string => site.tokens[name] ?? '';

describe('credentials', () => {
  const everywhere = ['tasks', 'tasks/00000000000000000000000000', '/ext/v1/anything', '/nothing'];

  it.each(everywhere)('T96: %s without credentials is 401 with the ways in', async (path) => {
    const answer = await h.call(path);
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(answer.headers.get('www-authenticate')).toBe(
      'Bearer realm="Magnetar", Basic realm="Magnetar", charset="UTF-8"',
    );
  });

  const BAD: readonly (readonly [string, Headers])[] = [
    ['what py-tes sends unasked', { authorization: 'Basic Tm9uZTpOb25l' }],
    ['what the Funnel client sends unasked', { authorization: 'Basic Og==' }],
    ['a wrong password', { authorization: basicOf('alice', 'wrong') }],
    ['an unknown user', { authorization: basicOf('mallory', passwordOf('alice')) }],
    ['a password without a user', { authorization: basicOf('', passwordOf('alice')) }],
    ['no base64', { authorization: 'Basic %%%' }],
    ['no colon', { authorization: `Basic ${Buffer.from('alice').toString('base64')}` }],
    ['an empty value', { authorization: 'Basic ' }],
    ['another scheme', { authorization: 'Digest username="alice"' }],
    ['a scheme that objects have', { authorization: 'constructor x' }],
    ['only a scheme', { authorization: 'Bearer' }],
    ['an unknown token', { authorization: 'Bearer opaque' }],
    [
      'a token of the right form',
      { authorization: `Bearer mag_${'0'.repeat(12)}_${'A'.repeat(43)}` },
    ],
    ['a token that names no issuer of ours', { authorization: 'Bearer e30.e30.x' }],
    ['a token with a space', { authorization: 'Bearer a b' }],
    ['a bad token in its header', { 'x-api-key': 'opaque' }],
    ['an empty token in its header', { 'x-api-key': '' }],
    ['a good password beside a bad token', { ...as('alice'), 'x-api-key': 'opaque' }],
    ['much', { authorization: `Bearer ${'x'.repeat(8000)}` }],
  ];
  it.each(BAD)('T96: %s is 401, never 500', async (_, headers) => {
    const answer = await h.call('tasks', { headers });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Basic realm="Magnetar"');
  });

  it('T96: says invalid_token for a token that does not hold (RFC 6750)', async () => {
    const answer = await h.call('tasks', { headers: { authorization: 'Bearer opaque' } });
    expect(answer.headers.get('www-authenticate')).toContain(
      'Bearer realm="Magnetar", error="invalid_token"',
    );
  });

  it('C16: takes passwords, and tokens by Bearer, by header, by parameter, without a scheme', async () => {
    const token = tokenOf('robot');
    for (const headers of [
      as('alice'),
      { authorization: `bearer ${token}` },
      { authorization: token },
      { 'x-api-key': token },
      { authorization: 'Basic Tm9uZTpOb25l', 'x-api-key': token },
    ]) {
      expect((await h.call('tasks', { headers })).status, JSON.stringify(headers)).toBe(200);
    }
    expect((await h.call(`tasks?page_size=1&api_key=${token}`)).status).toBe(200);
    expect((await h.call(`tasks?api_key=${token}&api_key=${token}`)).status).toBe(401);
  });

  it('T7: service-info, the page and the health checks need none', async () => {
    for (const path of [
      ...['', '/v1', '/ga4gh/tes/v1'].flatMap((prefix) => [
        `${prefix}/service-info`,
        `${prefix}/tasks/service-info`,
      ]),
      ...['/', '/openapi.json', '/docs/page.js', '/healthz', '/readyz'],
    ]) {
      expect((await h.call(path)).status, path).toBe(200);
      const bad = { authorization: 'Basic Tm9uZTpOb25l' };
      expect((await h.call(path, { headers: bad })).status, path).toBe(200);
    }
    const beacon = '/files/tes-00000000000000000000000000-1-1/beacon';
    expect((await h.call(beacon, { method: 'POST' })).status).toBe(403); // not signed
  });

  it('reads no body before it knows the caller', async () => {
    const answer = await create({}, { executors: 'x'.repeat(1000) });
    expect(answer.status).toBe(401);
  });

  it('answers any Host name, and still refuses web pages of foreign origins', async () => {
    const foreign = { ...as('alice'), origin: 'https://evil.example' };
    expect((await h.call('tasks', { headers: foreign })).status).toBe(403);
  });

  it('notices a new user, a new password, a removed user and a revoked token without a restart', async () => {
    const created = '2026-01-01T00:00:00.000Z';
    const status = async (headers: Headers) => (await h.call('tasks', { headers })).status;
    expect(await status(as('gone'))).toBe(200);
    expect(await status({ 'x-api-key': tokenOf('revoked') })).toBe(200);
    await addUser(site.usersFile, { name: 'new', password: 'first password', created });
    await until(
      async () => (await status({ authorization: basicOf('new', 'first password') })) === 200,
    );
    await addUser(site.usersFile, { name: 'new', password: 'next password', created });
    await until(
      async () => (await status({ authorization: basicOf('new', 'first password') })) === 401,
    );
    expect(await status({ authorization: basicOf('new', 'next password') })).toBe(200);
    await removeUser(site.usersFile, 'gone');
    await until(async () => (await status(as('gone'))) === 401);
    const id = tokenOf('revoked').split('_')[1] ?? '';
    await revokeApiToken(site.tokensFile, id);
    await until(async () => (await status({ 'x-api-key': tokenOf('revoked') })) === 401);
  });
});

describe('ownership', () => {
  it('T96: a foreign task is 404 in get, cancel and logs, and in no list', async () => {
    const id = idOf(
      await create(as('alice'), { ...MINIMAL_TASK, name: 'secret', tags: { k: 'v' } }),
    );
    const bob = as('bob');
    for (const view of ['MINIMAL', 'BASIC', 'FULL']) {
      const answer = await h.call(`tasks/${id}?view=${view}`, { headers: bob });
      expect(answer.status).toBe(404);
      expect(answer.json).toMatchObject({ code: 'TASK_UNKNOWN' });
    }
    const cancelled = await h.call(`tasks/${id}:cancel`, { method: 'POST', headers: bob });
    expect(cancelled.status).toBe(404);
    const log = await h.call(`/ext/v1/tasks/${id}/logs/1/0/stdout`, { headers: bob });
    expect(log.json).toMatchObject({ code: 'TASK_UNKNOWN' });
    for (const query of ['', '?state=QUEUED', '?tag_key=k&tag_value=v', '?name_prefix=secret']) {
      expect(listedIn(await h.call(`tasks${query}`, { headers: bob })).tasks, query).toEqual([]);
      expect(
        listedIn(await h.call(`tasks${query}`, { headers: as('alice') })).tasks,
      ).toContainEqual({
        id,
        state: 'QUEUED',
      });
    }
    expect((await h.task(id)).head.cancel).toBeUndefined();
  });

  it('a user and the tokens made for that name are the same principal', async () => {
    const id = idOf(await create({ 'x-api-key': tokenOf('alice') }));
    expect((await h.task(id)).owner).toBe('user:alice');
    const answer = await h.call(`tasks/${id}:cancel`, { method: 'POST', headers: as('alice') });
    expect(answer.status).toBe(200);
  });

  it('an admin sees and cancels everything', async () => {
    const id = idOf(await create(as('alice')));
    const root = as('root');
    expect((await h.call(`tasks/${id}`, { headers: root })).status).toBe(200);
    expect(
      listedIn(await h.call('tasks', { headers: root })).tasks.map((task) => task.id),
    ).toContain(id);
    const answer = await h.call(`tasks/${id}:cancel`, { method: 'POST', headers: root });
    expect(answer.json).toEqual({});
    expect((await h.task(id)).head.state).toBe('CANCELED');
  });

  it('a viewer sees everything and changes nothing', async () => {
    const id = idOf(await create(as('alice')));
    const eye = as('eye');
    expect((await h.call(`tasks/${id}?view=FULL`, { headers: eye })).status).toBe(200);
    const cancelled = await h.call(`tasks/${id}:cancel`, { method: 'POST', headers: eye });
    expect(cancelled.status).toBe(403);
    expect(cancelled.json).toMatchObject({ code: 'ROLE_REFUSED' });
    expect((await create(eye)).status).toBe(403);
    expect((await h.task(id)).head.state).toBe('QUEUED');
  });

  it('T68: a page token is worth nothing to another owner', async () => {
    for (const _ of [1, 2]) await create(as('alice'));
    const page = listedIn(await h.call('tasks?page_size=1', { headers: as('alice') }));
    const next = `tasks?page_size=1&page_token=${page.next_page_token ?? ''}`;
    expect((await h.call(next, { headers: as('alice') })).status).toBe(200);
    expect((await h.call(next, { headers: as('bob') })).json).toMatchObject({
      code: 'BAD_PAGE_TOKEN',
    });
  });
});

describe('the audit trail', () => {
  const lines = () =>
    h.logs.filter(({ message }) => message === 'audit').map(({ fields }) => fields);

  it('tells who did what from where, with what result', async () => {
    h.logs.length = 0;
    const id = idOf(await create(as('alice')));
    await h.call(`/v1/tasks/${id}:cancel`, { method: 'POST', headers: as('alice') });
    await h.call(`/v1/tasks/${id}%3Acancel`, { method: 'POST', headers: as('bob') });
    await h.call('tasks', { headers: as('mallory') });
    await create(as('eye'));
    await create(as('alice'), { executors: [] });
    const from = '127.0.0.1';
    expect(lines()).toMatchObject([
      { event: 'task.create', who: 'user:alice', from, taskId: id, result: 'done' },
      { event: 'task.cancel', who: 'user:alice', from, taskId: id, result: 'done' },
      { event: 'task.cancel', who: 'user:bob', from, result: 'TASK_UNKNOWN' },
      { event: 'request', who: 'unknown', from, result: 'UNAUTHENTICATED', status: 401 },
      { event: 'task.create', who: 'user:eye', from, result: 'ROLE_REFUSED', status: 403 },
      { event: 'task.create', who: 'user:alice', from, result: 'BAD_TASK', status: 400 },
    ]);
    expect(lines()[0]).toMatchObject({ method: 'POST', path: '/ga4gh/tes/v1/tasks' });
    for (const line of lines()) expect(line['requestId']).toBeTruthy();
  });

  it('names a change whatever spelling of the path it came by', async () => {
    h.logs.length = 0;
    const headers = { ...as('alice'), 'content-type': 'application/json' };
    const body = JSON.stringify(MINIMAL_TASK);
    const id = idOf(await h.call('/v1/tasks/', { method: 'POST', headers, body }));
    for (const end of [':cancel/', '%3acancel', ':%63ancel/']) {
      await h.call(`/v1/tasks/${id}${end}`, { method: 'POST', headers: as('alice') });
    }
    await h.call('/v1/tasks/%zz:cancel', { method: 'POST', headers: as('alice') });
    expect(lines().map(({ event, result }) => [event, result])).toEqual([
      ['task.create', 'done'],
      ...[1, 2, 3].map(() => ['task.cancel', 'done']),
      ['task.cancel', 'PATH_UNKNOWN'],
    ]);
  });

  it('is silent about reads, and nothing logged or answered holds a credential', async () => {
    h.logs.length = 0;
    const token = tokenOf('robot');
    await h.call(`tasks?api_key=${token}`);
    expect(lines()).toEqual([]);
    const answers = [
      await h.call(`tasks?api_key=${token}x`),
      await h.call(`tasks?api_key=${token}&page_size=0`),
      await h.call(`/nothing?api_key=${token}`),
      await h.call('tasks', { headers: { 'x-api-key': `${token}x` } }),
      await h.call('tasks', { headers: { authorization: basicOf('alice', 'a wrong password') } }),
      await create(as('alice'), { ...MINIMAL_TASK, inputs: [{ path: 'x', content: 'c0ntent' }] }),
    ];
    const said = JSON.stringify([h.logs, answers.map(({ text, headers }) => [text, [...headers]])]);
    for (const secret of [token, 'a wrong password', passwordOf('alice'), 'c0ntent']) {
      expect(said).not.toContain(secret);
    }
  });
});

describe('limits of an owner', () => {
  const limited = async (perOwner: Partial<typeof NO_LIMIT>) =>
    startHarness((deps) => ({
      limits: { ...deps.limits, perOwner: { ...NO_LIMIT, ...perOwner } },
    }));

  it('refuses the task too many with 429, limit and use, and takes the next when there is room', async () => {
    const one = await limited({ queued: 2 });
    const ids = [await one.create(), await one.create()];
    const refused = await one.post(MINIMAL_TASK);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('30');
    expect(bodyOf(refused)['message']).toMatch(/^you have 2 waiting tasks of at most 2;/);
    await one.call(`tasks/${ids[0] ?? ''}:cancel`, { method: 'POST' });
    expect((await one.post(MINIMAL_TASK)).status).toBe(200);
    await one.close();
  });

  it('holds against many at once', async () => {
    const one = await limited({ stored: 5 });
    const answers = await Promise.all(Array.from({ length: 30 }, () => one.post(MINIMAL_TASK)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(answers.find(({ status }) => status !== 200)?.json).toMatchObject({
      status: 403,
      code: 'QUOTA_REACHED',
    });
    await one.close();
  });

  it('answers a repeated creation also at the limit', async () => {
    const one = await limited({ stored: 1 });
    const init = {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'k' },
      body: JSON.stringify(MINIMAL_TASK),
    };
    const id = idOf(await one.call('tasks', init));
    expect(idOf(await one.call('tasks', init))).toBe(id);
    expect((await one.post(MINIMAL_TASK)).status).toBe(403);
    await one.close();
  });

  it('C9: names limit and use of a body that is too large', async () => {
    const one = await startHarness((deps) => ({ limits: { ...deps.limits, bodyBytes: 100 } }));
    const answer = await one.post({ ...MINIMAL_TASK, description: 'x'.repeat(200) });
    expect(answer.status).toBe(413);
    expect(bodyOf(answer)['message']).toMatch(/^the body has \d+ bytes, of at most 100$/);
    await one.close();
  });
});

describe('networks', () => {
  it('answers callers of configured networks only, but health checks and job hosts of any', async () => {
    const one = await startHarness((deps) => ({
      access: { ...deps.access, networks: ['10.0.0.0/8'] },
    }));
    expect((await one.call('tasks')).json).toMatchObject({ status: 403, code: 'NETWORK_REFUSED' });
    expect((await one.call('service-info')).status).toBe(403);
    expect((await one.call('/healthz')).status).toBe(200);
    const beacon = '/files/tes-00000000000000000000000000-1-1/beacon';
    expect((await one.call(beacon, { method: 'POST' })).json).toMatchObject({
      code: 'SIGNATURE_REFUSED',
    });
    await one.close();
    const here = await startHarness((deps) => ({
      access: { ...deps.access, networks: ['10.0.0.0/8', '127.0.0.0/8'] },
    }));
    expect((await here.call('tasks')).status).toBe(200);
    await here.close();
  });
});
