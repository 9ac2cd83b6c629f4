/** `POST /files/<job>/beacon`: runners tell how their job goes; the answer tells whether to go on. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { raw, Router, type Request, type Response } from 'express';
import type { Clock } from '../kernel/clock.ts';
import { MagnetarError } from '../kernel/errors.ts';
import { parseJobId, type JobId } from '../tasks/ids.ts';
import type { CallOptions } from '../tasks/ports/call.ts';
import type { Beacon } from '../tasks/report.ts';
import type { RunnerSchema } from '../tasks/runner-schema.ts';
import { createBodyRoom } from './body-room.ts';
import { methodUnknown } from './errors.ts';
import { bytesOf, parseJson, sendJson, signalOf } from './exchange.ts';

/** Where beacons go; the dispatcher answers `over` for a job that is not current or shall end. */
export interface Jobs {
  keyFor(job: JobId): string;
  receive(job: JobId, beacon: Beacon, options: CallOptions): Promise<'go' | 'over'>;
}

export interface BeaconDeps {
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly runnerSchema: RunnerSchema;
}

type BeaconRequest = Request<{ job: string }>;

const MOST_BYTES = 2 * 1024 * 1024;
/** Clocks of job hosts are wrong at times. A replayed beacon is harmless: facts of a job are set once. */
const MOST_SKEW_MS = 24 * 60 * 60 * 1000;
const SIGNATURE = /^sha256=([0-9a-f]{64})$/;

const refused = (message: string): MagnetarError => new MagnetarError('SIGNATURE_REFUSED', message);

const header = (req: Request, name: string): string => {
  const value = req.headers[name];
  return typeof value === 'string' ? value : '';
};

const isSignedBy = (key: string, time: string, body: Buffer, signature: string): boolean => {
  const given = SIGNATURE.exec(signature)?.[1];
  if (given === undefined) return false;
  const expected = createHmac('sha256', key).update(`${time}.`).update(body).digest();
  return timingSafeEqual(expected, Buffer.from(given, 'hex'));
};

const assertSigned = (req: Request, body: Buffer, key: string, now: number): void => {
  const time = header(req, 'x-magnetar-time');
  if (!/^\d{1,12}$/.test(time) || Math.abs(Number(time) * 1000 - now) > MOST_SKEW_MS) {
    throw refused('X-Magnetar-Time must be the time in seconds, at most a day off');
  }
  if (!isSignedBy(key, time, body, header(req, 'x-magnetar-signature'))) {
    throw refused('the signature does not fit the body');
  }
};

const readBeacon = (body: Buffer, job: JobId, schema: RunnerSchema): Beacon => {
  const checked = schema.beacon(parseJson(body));
  if ('problems' in checked) {
    const details = checked.problems;
    throw new MagnetarError('BAD_REQUEST', 'the body is not a beacon', { details });
  }
  const beacon = checked.value;
  if (beacon.job !== job) throw new MagnetarError('BAD_REQUEST', 'the beacon is of another job');
  return beacon;
};

const jobOf = (req: BeaconRequest): JobId => {
  const parsed = parseJobId(req.params.job);
  if (parsed === undefined) throw new MagnetarError('PATH_UNKNOWN', 'no such path');
  return parsed.job;
};

export const createBeaconRouter = ({ jobs, clock, runnerSchema }: BeaconDeps): Router => {
  const router = Router({ caseSensitive: true });
  const readBody = [
    createBodyRoom(MOST_BYTES), // anybody may send one: its signature is judged when it is there
    raw({ limit: MOST_BYTES, inflate: false, type: () => true }),
  ];
  router.post('/files/:job/beacon', ...readBody, async (req: BeaconRequest, res: Response) => {
    const job = jobOf(req);
    const body = bytesOf(req);
    assertSigned(req, body, jobs.keyFor(job), clock.now());
    const beacon = readBeacon(body, job, runnerSchema);
    const answer = await jobs.receive(job, beacon, { signal: signalOf(res) });
    if (answer === 'over') throw new MagnetarError('JOB_OVER', 'the job shall end');
    sendJson(res, 200, {});
  });
  router.all('/files/:job/beacon', methodUnknown('POST'));
  return router;
};
