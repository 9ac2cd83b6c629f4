/** HTTP servers on loopback for what a real one does only when it is broken or hostile, and the adapter to ask them with. */
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { expect, onTestFinished } from 'vitest';
import { MagnetarError, type ErrorCode } from '../../../src/kernel/errors.ts';
import {
  createAddressGuard,
  type AddressGuardOptions,
} from '../../../src/storage/connect/address-guard.ts';
import {
  createHttpStorage,
  type HttpStorageOptions,
} from '../../../src/storage/http/http-storage.ts';
import type { ObjectStorage, ReadOptions } from '../../../src/tasks/ports/object-storage.ts';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Origin {
  readonly port: number;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Requests that came whole. */
  readonly seen: readonly SeenRequest[];
  /** Connections taken so far. */
  readonly connections: () => number;
  /** Connections that are open. */
  readonly open: () => Promise<number>;
}

export type Serve = (request: IncomingMessage, response: ServerResponse) => void;

export interface OriginOptions {
  readonly host?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/** Ends with the test. */
export const startOrigin = async (
  serve: Serve,
  { host = '127.0.0.1', tls }: OriginOptions = {},
): Promise<Origin> => {
  const seen: SeenRequest[] = [];
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('error', () => undefined); // the client may leave at any time
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      seen.push({ method, path, headers, body: Buffer.concat(pieces) });
    });
    serve(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on('connection', () => (connections += 1));
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return {
    port,
    url: `${tls === undefined ? 'http' : 'https'}://${host}:${String(port)}`,
    seen,
    connections: () => connections,
    open: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => {
          if (error === null) resolve(count);
          else reject(error);
        });
      }),
  };
};

type StorageOptions = Partial<HttpStorageOptions> & Partial<AddressGuardOptions>;

/** Closed with the test. Loopback is allowed unless `allow` says otherwise. */
export const openHttp = (options: StorageOptions = {}): ObjectStorage => {
  const { allow = ['127.0.0.0/8'], addressesOf } = options;
  const storage = createHttpStorage({
    guard: createAddressGuard({ allow, ...(addressesOf === undefined ? {} : { addressesOf }) }),
    hosts: [],
    answerMs: 20_000,
    stallMs: 20_000,
    ...options,
  });
  onTestFinished(() => storage.close());
  return storage;
};

export const anySignal = (): { readonly signal: AbortSignal } => ({
  signal: new AbortController().signal,
});

export const collect = async (body: Readable): Promise<Buffer> => {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
};

export const readText = async (
  storage: ObjectStorage,
  url: string,
  options: Omit<ReadOptions, 'signal'> = {},
): Promise<string> => {
  const { body } = await storage.read(url, { ...anySignal(), ...options });
  return (await collect(body)).toString();
};

/** The error of a call: of this code, and without the secrets in any corner of it. */
export const expectFailure = async (
  work: Promise<unknown>,
  code: ErrorCode,
  ...secrets: readonly string[]
): Promise<MagnetarError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  const shown = inspect(error, { depth: 10, showHidden: true });
  for (const secret of secrets) expect(shown).not.toContain(secret);
  expect(error, shown).toBeInstanceOf(MagnetarError);
  const known = error as MagnetarError;
  expect(known.code, known.message).toBe(code);
  return known;
};
