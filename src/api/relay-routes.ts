/** `/files/<job>/inputs/…` and `/files/<job>/outputs/…`: a running job reads and writes what this server moves for it. */
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { MagnetarError } from '../kernel/errors.ts';
import { isSameSecret } from '../kernel/same-secret.ts';
import { parseJobId, type JobId } from '../tasks/ids.ts';
import {
  assertWanted,
  listInput,
  makeOutputFolder,
  readInput,
  writeOutput,
  type RelayDeps,
  type RelayPlace,
} from '../tasks/relay.ts';
import { isName } from '../tasks/urls.ts';
import { createLastCheck } from './last-check.ts';
import { methodUnknown } from './errors.ts';
import { sendJson, signalOf } from './exchange.ts';

export interface RelayRouteDeps extends RelayDeps {
  /** The token that a job's plan carries. */
  readonly relayTokenFor: (job: JobId) => string;
}

interface RelayPath {
  readonly job: string;
  readonly index: string;
  readonly below?: string[];
}

type RelayRequest = Request<RelayPath>;

const INDEX = /^\d{1,6}$/;

const placeOf = ({ params, headers }: RelayRequest, deps: RelayRouteDeps): RelayPlace => {
  const { job: given, index, below = [] } = params;
  const parsed = parseJobId(given);
  if (parsed === undefined || !INDEX.test(index) || !below.every(isName)) {
    throw new MagnetarError('PATH_UNKNOWN', 'no such path');
  }
  if (!isSameSecret(headers.authorization ?? '', `Bearer ${deps.relayTokenFor(parsed.job)}`)) {
    throw new MagnetarError('SIGNATURE_REFUSED', 'the token is not that of the job');
  }
  return { ...parsed, index: Number(index), below };
};

const RANGE = /^bytes=(\d{1,15})-$/;

/** The one form that runners send; any other is answered whole, as RFC 9110 14.2 allows. */
const startOf = ({ headers }: RelayRequest): number =>
  Number(RANGE.exec(headers.range ?? '')?.[1] ?? 0);

/** The version as an entity tag, whatever it is made of. */
const tagOf = (version: string): string => `"${Buffer.from(version).toString('base64url')}"`;

const versionIn = (tag: string | undefined): string | undefined => {
  const encoded = /^"([\w-]+)"$/.exec(tag ?? '')?.[1];
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString();
};

const sendInput =
  (deps: RelayRouteDeps) =>
  async (req: RelayRequest, res: Response): Promise<void> => {
    const signal = signalOf(res);
    const version = versionIn(req.get('if-range'));
    const start = version === undefined ? 0 : startOf(req);
    const asked = { signal, start, ...(version === undefined ? {} : { version }) };
    const answer = await readInput(deps, placeOf(req, deps), asked);
    if ('link' in answer) {
      res.setHeader('location', answer.link);
      sendJson(res, 307, {});
      return;
    }
    res.statusCode = answer.start > 0 ? 206 : 200;
    res.setHeader('content-type', 'application/octet-stream');
    if (answer.version !== undefined) res.setHeader('etag', tagOf(answer.version));
    if (answer.size !== undefined) {
      res.setHeader('content-length', answer.size - answer.start);
      const range = `bytes ${String(answer.start)}-${String(answer.size - 1)}/${String(answer.size)}`;
      if (answer.start > 0) res.setHeader('content-range', range);
    }
    await pipeline(answer.body, res, { signal });
  };

/** One line for each entry; a last line `{"end":true}` tells a whole list from one that broke off. */
const sendList =
  (deps: RelayRouteDeps) =>
  async (req: RelayRequest, res: Response): Promise<void> => {
    const signal = signalOf(res);
    const entries = await listInput(deps, placeOf(req, deps), { signal });
    if (entries === undefined) {
      sendJson(res, 200, { kind: 'file' });
      return;
    }
    const lines = async function* () {
      for await (const { kind, path, size } of entries) {
        yield `${JSON.stringify({ kind, path, size })}\n`;
      }
      yield '{"end":true}\n';
    };
    res.setHeader('content-type', 'application/x-ndjson');
    await pipeline(Readable.from(lines()), res, { signal });
  };

/** Whoever stores it may close it early: the connection is still needed, to say why. */
const bodyOf = (req: RelayRequest, assertAtEnd: () => Promise<void>): Readable => {
  const body = createLastCheck(assertAtEnd);
  body.on('error', () => undefined); // heard by whoever stores it
  req.once('close', () => {
    if (!req.complete) body.destroy(new MagnetarError('ABORTED', 'the client left'));
  });
  return req.pipe(body);
};

const takeOutput =
  (deps: RelayRouteDeps) =>
  async (req: RelayRequest, res: Response): Promise<void> => {
    const place = placeOf(req, deps);
    const signal = signalOf(res);
    if (req.headers['x-magnetar-folder'] !== undefined) {
      await makeOutputFolder(deps, place, { signal });
      sendJson(res, 200, {});
      return;
    }
    const size = Number(req.get('content-length') ?? NaN);
    const options = { signal, ...(Number.isSafeInteger(size) ? { size } : {}) };
    const body = bodyOf(req, () => assertWanted(deps, place, { signal }));
    const bytes = await writeOutput(deps, place, body, options).catch((error: unknown) => {
      if (!req.complete) res.setHeader('connection', 'close'); // nobody wants the rest
      throw error;
    });
    if (!req.readableEnded) await once(req.resume(), 'end', { signal });
    sendJson(res, 200, { bytes });
  };

/** Bodies of any length pass in constant memory; nothing but the job's own token opens these paths. */
export const createRelayRouter = (deps: RelayRouteDeps): Router => {
  const router = Router({ caseSensitive: true });
  const route = (path: string, method: 'get' | 'put', handler: RequestHandler<RelayPath>): void => {
    router[method](path, handler);
    router.all(path, methodUnknown(method === 'get' ? 'GET, HEAD' : 'PUT'));
  };
  route('/files/:job/inputs/:index/list', 'get', sendList(deps));
  route('/files/:job/inputs/:index/file{/*below}', 'get', sendInput(deps));
  route('/files/:job/outputs/:index/file{/*below}', 'put', takeOutput(deps));
  return router;
};
