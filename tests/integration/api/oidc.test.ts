/** T96: tokens of a real issuer on loopback, good and bad; the issuer rotates its keys, goes away and comes back. */
import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  importJWK,
  SignJWT,
  UnsecuredJWT,
  type CryptoKey,
} from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/kernel/clock.ts';
import { accessWith, as, createAccessSite, issuerOptions } from '../../support/access.ts';
import { AUDIENCE, startIssuer, type TestIssuer } from '../../support/oidc/issuer.ts';
import { until } from '../../support/until.ts';
import { idOf, listedIn, MINIMAL_TASK, startHarness, type Harness } from './harness.ts';

/** Runs on with the real time, ahead of it by what the test wants. */
const createClock = () => {
  let ahead = 0;
  const clock: Clock = {
    ...systemClock,
    now: () => systemClock.now() + ahead,
    monotonic: () => systemClock.monotonic() + ahead,
  };
  return {
    clock,
    skip(ms: number) {
      ahead += ms;
    },
  };
};

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const serve = async (issuer: TestIssuer, clock: Clock = systemClock): Promise<Harness> =>
  startHarness(() => ({
    access: accessWith(
      { issuers: [issuerOptions(issuer.url)] },
      {
        clock,
        roles: {
          admins: ['group:ops', `${issuer.url}|boss`],
          viewers: [],
          sharedGroups: ['lab'],
        },
      },
    ),
  }));

const statusOf = async (h: Harness, token: string): Promise<number> =>
  (await h.call('tasks', { headers: bearer(token) })).status;

const NOW = () => Math.floor(Date.now() / 1000);

describe('tokens of an issuer', () => {
  let issuer: TestIssuer;
  let h: Harness;
  beforeAll(async () => {
    issuer = await startIssuer();
    h = await serve(issuer);
  });
  afterAll(async () => {
    await h.close();
    await issuer.stop();
  });

  const unsigned = () =>
    new UnsecuredJWT({})
      .setIssuer(issuer.url)
      .setSubject('alice')
      .setAudience(AUDIENCE)
      .setExpirationTime('5m')
      .encode();

  /** Claims that hold, signed by something else. */
  const forged = (header: { alg: string; [name: string]: unknown }) =>
    new SignJWT({})
      .setProtectedHeader(header)
      .setIssuer(issuer.url)
      .setSubject('alice')
      .setAudience(AUDIENCE)
      .setExpirationTime('5m');

  it('T96: a good one is somebody, also with several audiences and with clocks a little apart', async () => {
    expect(await statusOf(h, await issuer.token())).toBe(200);
    expect(await statusOf(h, await issuer.token({ audience: ['other', AUDIENCE] }))).toBe(200);
    expect(await statusOf(h, await issuer.token({ expiresIn: -2 }))).toBe(200);
    expect(await statusOf(h, await issuer.token({ notBeforeIn: 2 }))).toBe(200);
  });

  const BAD: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
    ['of another issuer', () => issuer.token({ issuer: 'https://evil.example' }), /not configured/],
    ['of nearly this issuer', () => issuer.token({ issuer: `${issuer.url}/` }), /not configured/],
    ['for another audience', () => issuer.token({ audience: 'other' }), /another audience/],
    ['for no audience', () => issuer.token({ audience: [] }), /audience/],
    ['that has expired', () => issuer.token({ expiresIn: -60 }), /has expired/],
    ['that is not valid yet', () => issuer.token({ notBeforeIn: 60 }), /not valid yet/],
    ['without a subject', () => issuer.token({ subject: '' }), /no subject/],
    ['with alg none', unsigned, /.*/],
    ['whose signature was cut off', async () => (await issuer.token()).replace(/[^.]*$/, ''), /.*/],
    [
      'whose claims were changed',
      async () => {
        const [header = '', , signature = ''] = (await issuer.token()).split('.');
        const claims = { iss: issuer.url, sub: 'boss', aud: AUDIENCE, exp: NOW() + 300 };
        const payload = Buffer.from(JSON.stringify(claims)).toString('base64url');
        return [header, payload, signature].join('.');
      },
      /signature .* wrong/,
    ],
    [
      'signed by another key under a known name',
      async () => {
        const { privateKey } = await generateKeyPair('ES256');
        return forged({ alg: 'ES256', kid: issuer.publicJwk().kid ?? '' }).sign(privateKey);
      },
      /signature .* wrong/,
    ],
    [
      'signed with HS256 by the text of the public key',
      async () => {
        const key = (await importJWK(issuer.publicJwk(), 'ES256', {
          extractable: true,
        })) as CryptoKey;
        const secret = new TextEncoder().encode(await exportSPKI(key));
        return forged({ alg: 'HS256', kid: issuer.publicJwk().kid ?? '' }).sign(secret);
      },
      /algorithm/,
    ],
    [
      'signed with HS256 by the JSON of the public key',
      () => {
        const secret = new TextEncoder().encode(JSON.stringify(issuer.publicJwk()));
        return forged({ alg: 'HS256' }).sign(secret);
      },
      /algorithm/,
    ],
    [
      'by an algorithm that is not configured',
      async () => forged({ alg: 'ES384' }).sign((await generateKeyPair('ES384')).privateKey),
      /algorithm/,
    ],
    ['of three parts that are nothing', () => 'a.b.c', /not configured/],
    ['with a header that is no JSON', () => `!!.${'x'.repeat(10)}.y`, /.*/],
  ];
  it.each(BAD)('T96: one %s is 401', async (_, make, reason) => {
    const answer = await h.call('tasks', { headers: bearer(await make()) });
    expect(answer.status).toBe(401);
    expect(answer.json).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect((answer.json as { message: string }).message).toMatch(reason);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer realm="Magnetar"');
  });

  it('T96: never asks an issuer or a key that only the token names', async () => {
    let asked = 0;
    const evil = createServer((_req, res) => {
      asked += 1;
      res.end('{}');
    });
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((evil.address() as AddressInfo).port)}`;
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(publicKey);
    const tokens = [
      await issuer.token({ issuer: url }),
      await forged({ alg: 'ES256', jku: `${url}/keys`, kid: 'x' }).sign(privateKey),
      await forged({ alg: 'ES256', x5u: `${url}/cert` }).sign(privateKey),
      await forged({ alg: 'ES256', jwk }).sign(privateKey),
    ];
    for (const token of tokens) expect(await statusOf(h, token)).toBe(401);
    expect(asked).toBe(0);
    evil.close();
  });

  it('T96: owners are subjects of their issuer, and see nothing of each other', async () => {
    const create = async (token: string) =>
      h.call('tasks', {
        method: 'POST',
        headers: { ...bearer(token), 'content-type': 'application/json' },
        body: JSON.stringify(MINIMAL_TASK),
      });
    const seenBy = async (token: string) =>
      listedIn(await h.call('tasks', { headers: bearer(token) })).tasks.map(({ id }) => id);
    const [ann, ben] = [
      await issuer.token({ subject: 'ann' }),
      await issuer.token({ subject: 'ben' }),
    ];
    const id = idOf(await create(ann));
    expect((await h.task(id)).owner).toBe(`${issuer.url}|ann`);
    expect(await seenBy(ann)).toEqual([id]);
    expect(await seenBy(ben)).toEqual([]);
    expect((await h.call(`tasks/${id}`, { headers: bearer(ben) })).status).toBe(404);
    const boss = await issuer.token({ subject: 'boss' });
    const ops = await issuer.token({ subject: 'eve', claims: { groups: ['ops'] } });
    for (const token of [boss, ops]) expect(await seenBy(token)).toEqual([id]);
  });

  it('groups of the configured claim share, when the configuration says so', async () => {
    const member = (subject: string, ...groups: readonly string[]) =>
      issuer.token({ subject, claims: { groups } });
    const answer = await h.call('tasks', {
      method: 'POST',
      headers: {
        ...bearer(await member('cat', 'lab', 'private')),
        'content-type': 'application/json',
      },
      body: JSON.stringify(MINIMAL_TASK),
    });
    const id = idOf(answer);
    expect((await h.task(id)).groups).toEqual(['lab']);
    const statusFor = async (token: string) =>
      (await h.call(`tasks/${id}`, { headers: bearer(token) })).status;
    expect(await statusFor(await member('dan', 'lab'))).toBe(200);
    expect(await statusFor(await member('dan', 'private'))).toBe(404);
    expect(await statusFor(await member('dan'))).toBe(404);
    const listed = await h.call('tasks', { headers: bearer(await member('dan', 'lab', 'x')) });
    expect(listedIn(listed).tasks.map((task) => task.id)).toEqual([id]);
    const cancel = await h.call(`tasks/${id}:cancel`, {
      method: 'POST',
      headers: bearer(await member('dan', 'lab')),
    });
    expect(cancel.status).toBe(200);
  });

  it('opaque tokens are what the issuer says they are', async () => {
    const claims = { sub: 'opal', aud: AUDIENCE, exp: NOW() + 300 };
    issuer.introspects('good', claims);
    issuer.introspects('for-others', { ...claims, aud: 'other' });
    issuer.introspects('for-nobody', { sub: 'opal' });
    issuer.introspects('expired', { ...claims, exp: NOW() - 60 });
    issuer.introspects('expired-in-words', { ...claims, exp: String(NOW() - 60) });
    issuer.introspects('early-in-words', { ...claims, nbf: String(NOW() + 60) });
    issuer.introspects('early', { ...claims, nbf: NOW() + 60 });
    issuer.introspects('of-another', { ...claims, iss: 'https://evil.example' });
    issuer.introspects('nameless', { aud: AUDIENCE });
    expect(await statusOf(h, 'good')).toBe(200);
    const asked = issuer.count('/introspect');
    expect(await statusOf(h, 'good')).toBe(200);
    expect(issuer.count('/introspect')).toBe(asked); // remembered
    for (const token of [
      'unknown',
      'for-others',
      'for-nobody',
      'expired',
      'expired-in-words',
      'early-in-words',
      'early',
      'of-another',
      'nameless',
    ]) {
      expect(await statusOf(h, token), token).toBe(401);
    }
  });
});

describe('keys of an issuer', () => {
  it('are fetched once, however many ask at once', async () => {
    const issuer = await startIssuer();
    const h = await serve(issuer);
    const tokens = await Promise.all(
      Array.from({ length: 20 }, (_, n) => issuer.token({ subject: `user-${String(n)}` })),
    );
    const statuses = await Promise.all(tokens.map((token) => statusOf(h, token)));
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(issuer.count('/keys')).toBe(1);
    expect(issuer.count('/.well-known/openid-configuration')).toBe(1);
    await h.close();
    await issuer.stop();
  });

  it('a storm of unknown names costs one request in half a minute', async () => {
    const issuer = await startIssuer();
    const { clock, skip } = createClock();
    const h = await serve(issuer, clock);
    const storm = async () => {
      const tokens = await Promise.all(
        Array.from({ length: 100 }, (_, n) => issuer.token({ kid: `unknown-${String(n)}` })),
      );
      return Promise.all(tokens.map((token) => statusOf(h, token)));
    };
    expect(new Set(await storm())).toEqual(new Set([401]));
    expect(issuer.count('/keys')).toBe(1);
    skip(31_000);
    await storm();
    expect(issuer.count('/keys')).toBe(2);
    expect(await statusOf(h, await issuer.token())).toBe(200);
    await h.close();
    await issuer.stop();
  });

  it('are followed when they rotate, and the old key is worth nothing then', async () => {
    const issuer = await startIssuer();
    const { clock, skip } = createClock();
    const h = await serve(issuer, clock);
    const old = await issuer.token({ expiresIn: 3600, subject: 'old' });
    const unused = await issuer.token({ expiresIn: 3600, subject: 'unused' });
    expect(await statusOf(h, old)).toBe(200);
    await issuer.rotate();
    skip(31_000);
    expect(await statusOf(h, await issuer.token({ subject: 'new' }))).toBe(200);
    expect(issuer.count('/keys')).toBe(2);
    expect(await statusOf(h, unused)).toBe(401);
    skip(61_000); // what was remembered is looked at again
    expect(await statusOf(h, old)).toBe(401);
    await h.close();
    await issuer.stop();
  });
});

describe('an issuer that is down', () => {
  it('at the start stops nothing but its own tokens, until it is up', async () => {
    const issuer = await startIssuer();
    const site = await createAccessSite(['alice']);
    const { clock, skip } = createClock();
    const token = await issuer.token();
    await issuer.stop();
    const h = await startHarness(() => ({
      access: accessWith(
        { basic: { file: site.usersFile }, issuers: [issuerOptions(issuer.url)] },
        { clock },
      ),
    }));
    const answer = await h.call('tasks', { headers: bearer(token) });
    expect(answer.json).toMatchObject({ status: 503, code: 'ISSUER_UNAVAILABLE' });
    expect((answer.json as { message: string }).message).toContain(issuer.url);
    expect(answer.headers.get('retry-after')).toBe('5');
    const opaque = await h.call('tasks', { headers: bearer('opaque') });
    expect(opaque.json).toMatchObject({ status: 503, code: 'ISSUER_UNAVAILABLE' });
    expect((await h.call('tasks', { headers: as('alice') })).status).toBe(200);
    await issuer.start();
    skip(2_100);
    expect(await statusOf(h, token)).toBe(200);
    await h.close();
    await issuer.stop();
    site.remove();
  });

  it('later is not missed while its last keys may be used', async () => {
    const issuer = await startIssuer();
    const { clock, skip } = createClock();
    const h = await serve(issuer, clock);
    const hours = 3600;
    const lasting = await issuer.token({ expiresIn: 100 * hours });
    expect(await statusOf(h, lasting)).toBe(200);
    await issuer.stop();
    skip(11 * 60_000);
    expect(await statusOf(h, lasting)).toBe(200);
    skip(25 * hours * 1000);
    expect(await statusOf(h, lasting)).toBe(503);
    await h.close();
  });

  it('holds up nobody once it is known to hang', async () => {
    const issuer = await startIssuer();
    const { clock, skip } = createClock();
    const h = await serve(issuer, clock);
    const tokenOf = (subject: string) => issuer.token({ subject, expiresIn: 3600 });
    const tokens = [await tokenOf('a'), await tokenOf('b'), await tokenOf('c')];
    expect(await statusOf(h, tokens[0] ?? '')).toBe(200);
    await issuer.stop();
    let asked = 0;
    const ends = new EventEmitter();
    const silent = createServer((_req, res) => {
      asked += 1;
      res.on('close', () => ends.emit('given up'));
    });
    await new Promise<void>((resolve) => {
      silent.listen(Number(new URL(issuer.url).port), '127.0.0.1', resolve);
    });
    skip(11 * 60_000);
    const vain = once(ends, 'given up');
    expect(await statusOf(h, tokens[1] ?? '')).toBe(200);
    await vain; // this one has waited for the issuer
    skip(31_000);
    const givenUp = once(ends, 'given up').then(() => 'later than the issuer');
    expect(await Promise.race([statusOf(h, tokens[2] ?? ''), givenUp])).toBe(200);
    await until(() => asked === 2, { what: 'the second question' });
    silent.closeAllConnections();
    silent.close();
    await h.close();
  });
});
