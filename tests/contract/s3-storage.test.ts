/** S3 against versitygw: the contract of all storages, and what only S3 has. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ErrorCode } from '../../src/kernel/errors.ts';
import type { ObjectStorage } from '../../src/tasks/ports/object-storage.ts';
import { createAddressGuard } from '../../src/storage/connect/address-guard.ts';
import { createClients } from '../../src/storage/s3/clients.ts';
import type { S3Endpoint } from '../../src/storage/s3/endpoint.ts';
import { placeOf } from '../../src/storage/s3/place.ts';
import { createRoom } from '../../src/storage/s3/room.ts';
import { createS3Storage, type S3Storage } from '../../src/storage/s3/s3-storage.ts';
import { createSource } from '../../src/storage/s3/source.ts';
import { store } from '../../src/storage/s3/upload.ts';
import { freePort, startSilentServer, startTcpServer } from '../support/storage/ports.ts';
import { startVersitygw, type Versitygw } from '../support/storage/versitygw.ts';
import {
  HIDDEN_NAMES,
  busySockets,
  objectStorageContract,
  type Names,
} from './object-storage.contract.ts';

const BUCKET = 'bucket';
const MIB = 1024 * 1024;
const LOCAL = ['127.0.0.1'];
const WRONG_SECRET = 'not-the-secret';

const endpointOf = (gateway: Versitygw, other: Partial<S3Endpoint> = {}): S3Endpoint => ({
  name: 'versitygw',
  endpoint: gateway.endpoint,
  region: 'us-east-1',
  path_style: true,
  buckets: [],
  access_key: gateway.accessKey,
  secret_key: gateway.secretKey,
  credentials: 'none',
  ...other,
});

const storageOf = (endpoints: readonly S3Endpoint[], allow: readonly string[] = LOCAL): S3Storage =>
  createS3Storage({ endpoints, allow, guard: createAddressGuard({ allow }), stallMs: 10_000 });

const clientOf = ({ endpoint, accessKey, secretKey }: Versitygw): S3Client =>
  new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });

/** Keys below a prefix, and those of uploads that have not ended. */
const keysBelow = async (client: S3Client, prefix: string): Promise<readonly string[]> => {
  const keys: string[] = [];
  let after: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: BUCKET,
        Prefix: prefix,
        ...(after === undefined ? {} : { ContinuationToken: after }),
      }),
    );
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => Key));
    after = page.NextContinuationToken;
  } while (after !== undefined);
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  const unfinished = Uploads.flatMap(({ Key = '' }) => (Key.startsWith(prefix) ? [Key] : []));
  return [...keys, ...unfinished];
};

const SHORT = 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nETag: "e"\r\n\r\nonly this';

const keyOf = (names: Names): string => names.join('/');
const given = (port: number): string => `s3://KEY:SECRET-OF-URL@127.0.0.1:${String(port)}/b/key`;

const closers: (() => Promise<unknown> | void)[] = [];

objectStorageContract({
  name: 'S3 on versitygw',
  oddNames: [...HIDDEN_NAMES, 'new\nline'],
  from: 'server',
  hasVersions: true,
  makesFolders: true,
  async setup() {
    const gateway = await startVersitygw();
    closers.push(gateway.stop);
    const client = clientOf(gateway);
    closers.push(() => client.destroy());
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    const put = async (Key: string, Body: Uint8Array): Promise<void> => {
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
    };
    const silent = await startSilentServer();
    const short = await startTcpServer((socket) => {
      socket.once('data', () => socket.end(SHORT));
    });
    closers.push(silent.close, short.close);
    const storage = storageOf([endpointOf(gateway)]);
    const wrongCredentials = storageOf([endpointOf(gateway, { secret_key: WRONG_SECRET })]);
    const strict = storageOf([endpointOf(gateway, { buckets: ['other-*'] })], []);
    closers.push(storage.close, wrongCredentials.close, strict.close);
    return {
      storage,
      wrongCredentials,
      strict,
      url: (names) => `s3://${BUCKET}/${names.map(encodeURIComponent).join('/')}`,
      put: (names, bytes) => put(keyOf(names), bytes),
      putFolder: (names) => put(`${keyOf(names)}/`, Buffer.alloc(0)),
      async get(names) {
        try {
          const command = new GetObjectCommand({ Bucket: BUCKET, Key: keyOf(names) });
          const { Body } = await client.send(command);
          return Buffer.from((await Body?.transformToByteArray()) ?? []);
        } catch (error) {
          if (error instanceof NoSuchKey) return undefined;
          throw error;
        }
      },
      async files(folder) {
        const prefix = `${keyOf(folder)}/`;
        const keys = await keysBelow(client, prefix);
        return keys.filter((key) => !key.endsWith('/')).map((key) => key.split('/').at(-1) ?? '');
      },
      openCount: busySockets,
      nobody: given(await freePort()),
      silent: given(silent.port),
      short: given(short.port),
      secrets: [gateway.secretKey, WRONG_SECRET, 'SECRET-OF-URL'],
    };
  },
  async teardown() {
    for (const close of closers.reverse()) await close();
  },
});

const never = (): { signal: AbortSignal } => ({ signal: new AbortController().signal });
const bodyOf = (text: string): Readable => Readable.from([Buffer.from(text)]);
const textOf = async (storage: ObjectStorage, url: string): Promise<string> => {
  const { body } = await storage.read(url, never());
  const pieces: Buffer[] = [];
  for await (const piece of body) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString();
};
const pathsOf = async (storage: ObjectStorage, url: string): Promise<readonly string[]> => {
  const paths: string[] = [];
  for await (const { path, kind } of storage.list(url, never())) {
    paths.push(path.join('/') + (kind === 'folder' ? '/' : ''));
  }
  return paths;
};
const failing = (code: ErrorCode, words = ''): unknown =>
  expect.objectContaining({ code, message: expect.stringContaining(words) as unknown });

describe('S3 beyond the contract', () => {
  let gateway: Versitygw;
  let client: S3Client;
  let storage: S3Storage;
  beforeAll(async () => {
    gateway = await startVersitygw();
    client = clientOf(gateway);
    await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    storage = storageOf([endpointOf(gateway)]);
    await storage.write(`s3://${BUCKET}/greeting`, bodyOf('hello'), never());
  });
  afterAll(async () => {
    await storage.close();
    client.destroy();
    await gateway.stop();
  });

  const hostOf = (): string => new URL(gateway.endpoint).host;
  const withKeys = (access = gateway.accessKey, secret = gateway.secretKey): string =>
    `s3://${access}:${encodeURIComponent(secret)}@${hostOf()}/${BUCKET}/greeting`;
  const use = (...args: Parameters<typeof storageOf>): S3Storage => {
    const made = storageOf(...args);
    onTestFinished(made.close);
    return made;
  };

  describe('URLs that bring their keys', () => {
    it('are used without any configuration, listed entries too', async () => {
      const bare = use([]);
      expect(await textOf(bare, withKeys())).toBe('hello');
      const folder = withKeys().replace('greeting', 'given');
      await bare.write(`${folder}/a`, bodyOf('by its URL'), never());
      for await (const { url } of bare.list(folder, never())) {
        expect(await textOf(bare, url)).toBe('by its URL');
      }
    });

    it('are STORAGE_REFUSED at an address that is not allowed, whatever is configured', async () => {
      const strict = use([endpointOf(gateway)], []);
      await expect(strict.stat(withKeys(), never())).rejects.toEqual(failing('STORAGE_REFUSED'));
      expect(await textOf(strict, `s3://${BUCKET}/greeting`)).toBe('hello');
    });

    it('are STORAGE_REFUSED at a name that leads to such an address', async () => {
      const addressesOf = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      const guard = createAddressGuard({ allow: [], addressesOf });
      const strict = createS3Storage({ endpoints: [], allow: [], guard, stallMs: 10_000 });
      onTestFinished(strict.close);
      const url = withKeys().replace('@127.0.0.1', '@rebound.example.org');
      await expect(strict.stat(url, never())).rejects.toEqual(failing('STORAGE_REFUSED'));
    });

    it('are STORAGE_DENIED with a wrong secret, and with a key that nobody has', async () => {
      for (const url of [withKeys(undefined, 'wrong'), withKeys('NOBODY')]) {
        const error: unknown = await storage.read(url, never()).catch((thrown: unknown) => thrown);
        expect(error).toEqual(failing('STORAGE_DENIED', `s3://${hostOf()}/${BUCKET}/greeting`));
        expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(gateway.secretKey);
      }
    });
  });

  it('takes the host of a configured endpoint for that endpoint', async () => {
    expect(await textOf(storage, `s3://${hostOf()}/${BUCKET}/greeting`)).toBe('hello');
    const other = storage.stat(`s3://127.0.0.1:1/${BUCKET}/greeting`, never());
    await expect(other).rejects.toEqual(failing('STORAGE_REFUSED'));
  });

  it('signs for the region of the endpoint, and says so when it is another one', async () => {
    const elsewhere = use([endpointOf(gateway, { region: 'eu-west-1' })]);
    const call = elsewhere.read(`s3://${BUCKET}/greeting`, never());
    await expect(call).rejects.toEqual(failing('STORAGE_FAILED', 'region'));
  });

  it('takes credentials from the environment where the endpoint says so', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', gateway.accessKey);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', gateway.secretKey);
    onTestFinished(() => void vi.unstubAllEnvs());
    const endpoint = endpointOf(gateway, { access_key: '', secret_key: '' });
    const found = use([{ ...endpoint, credentials: 'default' }]);
    expect(await textOf(found, `s3://${BUCKET}/greeting`)).toBe('hello');
    const none = use([endpoint]);
    const call = none.read(`s3://${BUCKET}/greeting`, never());
    await expect(call).rejects.toEqual(failing('STORAGE_DENIED'));
  });

  it('reads without credentials what is open to all', async () => {
    await client.send(new CreateBucketCommand({ Bucket: 'open' }));
    const Resource = ['arn:aws:s3:::open', 'arn:aws:s3:::open/*'];
    const rule = { Effect: 'Allow', Principal: '*', Action: 's3:*', Resource };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [rule] });
    await client.send(new PutBucketPolicyCommand({ Bucket: 'open', Policy }));
    await storage.write('s3://open/a b', bodyOf('for all'), never());
    const anonymous = use([endpointOf(gateway, { access_key: '', secret_key: '' })]);
    expect(await textOf(anonymous, 's3://open/a b')).toBe('for all');
    expect(await pathsOf(anonymous, 's3://open')).toEqual(['a b']);
    const plain = (await anonymous.linkTo('s3://open/a b', 60)) ?? '';
    expect(plain).toBe(`${gateway.endpoint}/open/a%20b`);
    expect(await (await fetch(plain)).text()).toBe('for all');
  });

  it('links to one object, for reading it and nothing else', async () => {
    const url = `s3://${BUCKET}/signed/100% ?&#+`;
    await storage.write(url, bodyOf('by a runner'), never());
    const link = (await storage.linkTo(url, 60)) ?? '';
    expect(await (await fetch(link)).text()).toBe('by a runner');
    expect(link).not.toContain(gateway.secretKey);
    expect((await fetch(link, { method: 'PUT', body: 'x' })).status).toBe(403);
    const foreign = url.replace('s3://', `s3://k:s@${new URL(gateway.endpoint).host}/`);
    expect(await use([]).linkTo(foreign, 60)).toBeUndefined();
    expect((await fetch(link.replace('Expires=60', 'Expires=61'))).status).toBe(403);
  });

  it('puts the bucket into the host name where the endpoint says so', async () => {
    const aws = use([
      endpointOf(gateway, { endpoint: '', path_style: false, region: 'eu-west-1' }),
    ]);
    const url = new URL((await aws.linkTo('s3://data/a/b', 60)) ?? '');
    expect(url.origin + url.pathname).toBe('https://data.s3.eu-west-1.amazonaws.com/a/b');
  });

  it('stores parts that are passed on as they come, or nothing', async () => {
    const service = await createClients(createAddressGuard({ allow: LOCAL }), 10_000).at(
      placeOf(`s3://${BUCKET}/passed`, { endpoints: [endpointOf(gateway)], allow: [] }),
    );
    const bytes = randomBytes(12 * MIB + 5);
    const pass = async (body: Readable): Promise<number> => {
      const url = `s3://${BUCKET}/passed`;
      const off = new AbortController();
      const abort = (reason: unknown): void => off.abort(reason);
      const { signal } = off;
      const bounds = { url, signal, stallMs: 10_000, size: bytes.length };
      const source = createSource(body, bounds);
      const room = createRoom(0);
      const target = { service, bucket: BUCKET, key: 'passed', room };
      const upload = { ...target, ...bounds, source, abort };
      return store(upload, { kind: 'passed', part: 5 * MIB, size: bytes.length });
    };
    const pieces = (from: Buffer): Readable =>
      Readable.from(Array.from({ length: 130 }, (_, n) => from.subarray(n * 1e5, (n + 1) * 1e5)));
    expect(await pass(pieces(bytes))).toBe(bytes.length);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'passed' }));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    const short = pass(pieces(bytes.subarray(0, 11 * MIB)));
    await expect(short).rejects.toEqual(failing('STORAGE_FAILED', 'only'));
    const long = pass(Readable.from([bytes, Buffer.from('!')]));
    await expect(long).rejects.toEqual(failing('STORAGE_FAILED', 'more than'));
    expect(await keysBelow(client, 'passed')).toEqual(['passed']);
  });

  it('holds no more than 64 MiB of two bodies of 256 MiB', async () => {
    const size = 256 * MIB;
    const piece = Buffer.alloc(MIB, 'x');
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const body = (): Readable =>
      Readable.from(
        (function* pieces() {
          for (let made = 0; made < size; made += piece.length) {
            most = Math.max(most, process.memoryUsage().arrayBuffers - before);
            yield piece;
          }
        })(),
      );
    const write = (key: string): Promise<number> =>
      storage.write(`s3://${BUCKET}/${key}`, body(), { ...never(), size });
    expect(await Promise.all([write('large'), write('larger')])).toEqual([size, size]);
    expect(most).toBeGreaterThan(16 * MIB);
    expect(most).toBeLessThan(64 * MIB);
  });
});

type Reply = (request: IncomingMessage, response: ServerResponse) => void;

const page = (keys: readonly string[], rest = ''): string => {
  const contents = keys.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
  return `<?xml version="1.0"?><ListBucketResult>${contents.join('')}${rest}</ListBucketResult>`;
};

describe('S3 services that do otherwise', () => {
  /** A service with one answer to all. */
  const serve = async (reply: Reply, stallMs = 10_000): Promise<S3Storage> => {
    const server = createServer(reply);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const endpoint = { endpoint: `http://127.0.0.1:${String(port)}`, accessKey: 'K', data: '' };
    const gateway = { ...endpoint, secretKey: 'S', stop: () => Promise.resolve() };
    const guard = createAddressGuard({ allow: [] });
    const storage = createS3Storage({
      endpoints: [endpointOf(gateway)],
      allow: [],
      guard,
      stallMs,
    });
    onTestFinished(async () => {
      await storage.close();
      server.closeAllConnections();
      server.close();
    });
    return storage;
  };
  const xml =
    (text: string, status = 200, headers: Readonly<Record<string, string>> = {}): Reply =>
    (_, response) =>
      void response.writeHead(status, { 'Content-Type': 'application/xml', ...headers }).end(text);

  it('decodes keys that come encoded', async () => {
    const encoding = '<EncodingType>url</EncodingType>';
    const storage = await serve(xml(page(['d/a+b%2Bc%0A%01', 'd/100%25/x'], encoding)));
    expect(await pathsOf(storage, 's3://bkt/d')).toEqual(['a b+c\n\u0001', '100%/', '100%/x']);
  });

  it('lists the keys that are paths, then fails with the number of the others', async () => {
    const odd = ['d//x', 'd/./x', 'd/a/../x', 'd/a//', 'd/b'];
    const storage = await serve(xml(page(['d/a/x', ...odd])));
    const seen: string[] = [];
    const work = (async () => {
      for await (const { path } of storage.list('s3://bkt/d', never())) seen.push(path.join('/'));
    })();
    await expect(work).rejects.toEqual(failing('STORAGE_FAILED', '4 of its keys'));
    expect(seen).toEqual(['a', 'a/x', 'b']);
  });

  it('fails when a listing does not go on', async () => {
    const more = '<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>';
    const storage = await serve(xml(page(['d/a'], more)));
    const work = pathsOf(storage, 's3://bkt/d');
    await expect(work).rejects.toEqual(failing('STORAGE_FAILED', 'does not go on'));
  });

  const failure = (code: string): string => `<Error><Code>${code}</Code></Error>`;

  it.each([
    [503, 'SlowDown', 'STORAGE_UNAVAILABLE'],
    [500, 'InternalError', 'STORAGE_UNAVAILABLE'],
    [404, 'NoSuchBucket', 'STORAGE_MISSING'],
    [404, 'NoSuchKey', 'STORAGE_MISSING'],
    [403, 'AccessDenied', 'STORAGE_DENIED'],
    [403, 'SignatureDoesNotMatch', 'STORAGE_DENIED'],
    [404, 'InvalidAccessKeyId', 'STORAGE_DENIED'],
    [400, 'EntityTooLarge', 'STORAGE_FAILED'],
    [301, 'PermanentRedirect', 'STORAGE_FAILED'],
  ] as const)('%i %s is %s', async (status, code, expected) => {
    const storage = await serve(xml(failure(code), status));
    const calls = [
      () => storage.read('s3://bkt/k', never()),
      () => pathsOf(storage, 's3://bkt/k'),
      () => storage.write('s3://bkt/k', bodyOf('x'), { ...never(), size: 1 }),
    ];
    for (const call of calls) await expect(call()).rejects.toEqual(failing(expected));
  });

  it('passes on when to come again', async () => {
    const storage = await serve(xml(failure('SlowDown'), 503, { 'retry-after': '7' }));
    const error: unknown = await storage.stat('s3://bkt/k', never()).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', headers: { 'retry-after': '7' } });
  });

  it('does not take a page of a proxy for an answer', async () => {
    const html = '<html><body>Bad Gateway<br></body>';
    const down = await serve(xml(html, 502));
    const work = pathsOf(down, 's3://bkt/d');
    await expect(work).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
    const portal = await serve(xml(html, 200));
    await expect(pathsOf(portal, 's3://bkt/d')).rejects.toEqual(failing('STORAGE_FAILED'));
  });

  it.each(['headers', 'body'])('gives up when no more of the %s comes', async (where) => {
    const storage = await serve((_, response) => {
      if (where === 'body') response.writeHead(200, { 'Content-Length': '100' }).write('<L');
    }, 200);
    const calls = [
      () => textOf(storage, 's3://bkt/k'),
      () => pathsOf(storage, 's3://bkt/k'),
      () => storage.write('s3://bkt/k', bodyOf('x'), never()),
      () => storage.write('s3://bkt/k', new Readable({ read: () => undefined }), never()),
    ];
    for (const call of calls) await expect(call()).rejects.toEqual(failing('STORAGE_UNAVAILABLE'));
  });

  it('fails when what comes is not what the digest says', async () => {
    const storage = await serve(xml('hello', 200, { 'x-amz-checksum-crc32': 'AAAAAA==' }));
    const work = textOf(storage, 's3://bkt/k');
    await expect(work).rejects.toEqual(failing('STORAGE_FAILED'));
  });

  it('fails when the part is not the one that was asked for', async () => {
    const storage = await serve(xml('lo', 206, { 'Content-Range': 'bytes 3-4/5' }));
    const work = storage.read('s3://bkt/k', { ...never(), start: 2 });
    await expect(work).rejects.toEqual(failing('STORAGE_FAILED', 'not the part'));
  });

  it('begins anew where ranges are not known', async () => {
    const storage = await serve(xml('hello', 200, { 'Content-Length': '5' }));
    const answer = await storage.read('s3://bkt/k', { ...never(), start: 2 });
    expect(answer).toMatchObject({ start: 0, size: 5 });
    answer.body.destroy();
  });
});
