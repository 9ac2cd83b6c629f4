/** Where URLs of tasks may lead: an address that nobody has allowed is never connected to, however it is written. */
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import {
  anySignal,
  expectFailure,
  openHttp,
  readText,
  startOrigin,
} from '../../support/storage/http-origin.ts';

const LOOPBACK = [
  ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '017700000001', '0'],
  ...['[::1]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:1]', '[::]'],
  ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', '127.0.0.1.', '%31%32%37.0.0.1'],
  ...['169.254.169.254', '[fd00:ec2::254]', '10.0.0.1', '[64:ff9b::7f00:1]', '１２７.0.0.1'],
];

describe('an address that is not allowed', () => {
  it.each(LOOPBACK)('written as %s is refused', async (host) => {
    const origin = await startOrigin((_, response) => {
      response.end('inside');
    });
    const storage = openHttp({ allow: [] });
    const url = `http://${host}:${String(origin.port)}/x`;
    await expectFailure(readText(storage, url), 'STORAGE_REFUSED');
    const body = Readable.from([Buffer.from('x')]);
    await expectFailure(storage.write(url, body, anySignal()), 'STORAGE_REFUSED');
    expect(origin.connections()).toBe(0);
  });

  it.each([
    ['127.0.0.1', 4],
    ['::1', 6],
    ['::ffff:127.0.0.1', 6],
    ['169.254.169.254', 4],
  ])('%s behind a name is refused, also beside a public one', async (address, family) => {
    const storage = openHttp({
      allow: [],
      addressesOf: () =>
        Promise.resolve([
          { address: '192.88.98.1', family: 4 },
          { address, family },
        ]),
    });
    await expectFailure(readText(storage, 'http://outside.example/x'), 'STORAGE_REFUSED');
  });

  it('is refused although the system knows its name', async () => {
    await expectFailure(
      readText(openHttp({ allow: [] }), 'http://localhost.localdomain.localhost/x'),
      'STORAGE_REFUSED',
    );
  });
});

describe('an address that is allowed', () => {
  it.each(['127.0.0.1', '2130706433', '0x7f.1'])('is connected to as %s', async (host) => {
    const origin = await startOrigin((_, response) => {
      response.end('inside');
    });
    const storage = openHttp({ allow: ['127.0.0.1/32'] });
    expect(await readText(storage, `http://${host}:${String(origin.port)}/x`)).toBe('inside');
  });

  it('is the one that was judged: the name is not resolved again', async () => {
    const origin = await startOrigin((_, response) => {
      response.end('inside');
    });
    let lookUps = 0;
    const storage = openHttp({
      allow: ['127.0.0.0/8'],
      addressesOf: () => {
        lookUps += 1;
        return Promise.resolve([{ address: lookUps === 1 ? '127.0.0.1' : '10.0.0.1', family: 4 }]);
      },
    });
    expect(await readText(storage, `http://data.example:${String(origin.port)}/x`)).toBe('inside');
    expect(lookUps).toBe(1);
    expect(origin.seen[0]?.headers.host).toBe(`data.example:${String(origin.port)}`);
  });
});
