import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LookupAddress } from 'node:dns';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createAddressGuard } from '../../../../src/storage/connect/address-guard.ts';

const never = new AbortController().signal;
const v4 = (address: string): LookupAddress => ({ address, family: 4 });
const v6 = (address: string): LookupAddress => ({ address, family: 6 });

/** A guard for which every name has these addresses. */
const guardOf = (addresses: readonly LookupAddress[], allow: readonly string[] = []) =>
  createAddressGuard({ allow, addressesOf: () => Promise.resolve(addresses) });

const hostOf = (url: string): string => new URL(url).hostname;

describe('createAddressGuard', () => {
  it.each([
    ...['http://127.0.0.1/', 'http://2130706433/', 'http://0x7f.1/', 'http://0177.0.0.1/'],
    ...[
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://[::ffff:a00:1]/',
      'http://10.1.2.3/',
    ],
    ...['http://169.254.169.254/', 'http://localhost/', 'http://LOCALHOST./', 'http://0/'],
    ...[
      'http://[fe80::1]/',
      'http://[fd00::1]/',
      'http://[64:ff9b::7f00:1]/',
      'http://192.168.1.1/',
    ],
  ])('refuses %s without a look-up', async (url) => {
    const guard = guardOf([v4('8.8.8.8')]);
    expect(() => guard.assertHost(hostOf(url))).toThrow(
      expect.objectContaining({ code: 'STORAGE_REFUSED' }),
    );
    await expect(guard.resolve(hostOf(url), never)).rejects.toMatchObject({
      code: 'STORAGE_REFUSED',
    });
  });

  it('takes literal public addresses as they are', async () => {
    const guard = guardOf([]);
    expect(await guard.resolve('8.8.8.8', never)).toEqual(v4('8.8.8.8'));
    expect(await guard.resolve('[2606:4700::1]', never)).toEqual(v6('2606:4700::1'));
  });

  it('refuses a name of which one address is private, whichever comes first', async () => {
    for (const addresses of [
      [v4('8.8.8.8'), v4('127.0.0.1')],
      [v6('::1'), v4('8.8.8.8')],
      [v6('fe80::1%eth0')],
      [v6('::ffff:10.0.0.1')],
    ]) {
      const work = guardOf(addresses).resolve('data.example', never);
      await expect(work).rejects.toMatchObject({ code: 'STORAGE_REFUSED' });
    }
  });

  it('allows what is listed: the name, the address, or its range', async () => {
    for (const entry of ['data.example', '10.1.2.3', '10.0.0.0/8']) {
      const guard = guardOf([v4('10.1.2.3')], [entry]);
      expect(await guard.resolve('data.example', never)).toEqual(v4('10.1.2.3'));
    }
    const other = guardOf([v4('10.1.2.3')], ['other.example', '10.2.0.0/16']);
    await expect(other.resolve('data.example', never)).rejects.toMatchObject({
      code: 'STORAGE_REFUSED',
    });
  });

  it('answers STORAGE_UNAVAILABLE for a name without addresses', async () => {
    const broken = createAddressGuard({
      allow: [],
      addressesOf: () => Promise.reject(new Error('EAI_AGAIN')),
    });
    for (const guard of [guardOf([]), broken]) {
      await expect(guard.resolve('none.example', never)).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
      });
    }
  });

  it('does not wait for a look-up that was called off', async () => {
    const guard = createAddressGuard({
      allow: [],
      addressesOf: () => new Promise(() => undefined),
    });
    const off = new AbortController();
    const work = guard.resolve('slow.example', off.signal);
    off.abort(new Error('enough'));
    await expect(work).rejects.toMatchObject({ code: 'ABORTED' });
  });

  it('asks for the addresses once and connects to what it judged', async () => {
    const server = createServer((_, res) => res.end('here')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const asked: string[] = [];
    const guard = createAddressGuard({
      allow: ['127.0.0.1'],
      addressesOf: (name) => {
        asked.push(name);
        return Promise.resolve([v4(asked.length === 1 ? '127.0.0.1' : '127.0.0.2')]);
      },
    });
    const agent = new Agent({ lookup: guard.lookup });
    onTestFinished(() => {
      agent.destroy();
      server.close();
    });
    const call = request({ host: 'rebinding.example', port, agent }).end();
    const [answer] = (await once(call, 'response')) as [NodeJS.ReadableStream];
    answer.resume();
    expect(call.socket?.remoteAddress).toBe('127.0.0.1');
    expect(asked).toEqual(['rebinding.example']);
  });

  it('hands its refusal to whoever connects', async () => {
    const agent = new Agent({ lookup: guardOf([v4('127.0.0.1')]).lookup });
    onTestFinished(() => agent.destroy());
    const call = request({ host: 'data.example', agent }).end();
    const [error] = (await once(call, 'error')) as [unknown];
    expect(error).toMatchObject({ code: 'STORAGE_REFUSED' });
  });

  it('answers one family when it is asked for one', async () => {
    const { lookup } = guardOf([v4('8.8.8.8'), v6('2606:4700::1')]);
    const ask = (family: number): Promise<unknown> =>
      new Promise((resolve) => {
        lookup('data.example', { family }, (error, address) => resolve(error ?? address));
      });
    expect(await ask(6)).toBe('2606:4700::1');
    expect(await ask(4)).toBe('8.8.8.8');
  });
});
