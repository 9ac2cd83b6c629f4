/** Beacons of runners: signed by the key of their job, bounded, answered go or over. */
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newReport } from '../../support/tasks.ts';
import { startHarness, type Answer, type Harness } from './harness.ts';

const JOB = 'tes-01jbcdefghjkmnpqrstvwxyz00-1-1';
const KEY = `key of ${JOB}`;

let h: Harness;
let received: unknown[] = [];
let answerOfJobs: 'go' | 'over' = 'go';

beforeAll(async () => {
  h = await startHarness(() => ({
    jobs: {
      keyFor: (job) => `key of ${job}`,
      receive: (job, beacon) => {
        received.push([job, beacon]);
        return Promise.resolve(answerOfJobs);
      },
    },
  }));
});
afterAll(() => h.close());
beforeEach(() => {
  received = [];
  answerOfJobs = 'go';
});

const seconds = (): string => String(Math.floor(Date.now() / 1000));

interface Sending {
  readonly job?: string;
  readonly time?: string;
  readonly key?: string;
  readonly signature?: string;
  readonly headers?: Record<string, string>;
}

const send = (body: unknown, sending: Sending = {}): Promise<Answer> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const time = sending.time ?? seconds();
  const mac = createHmac('sha256', sending.key ?? KEY)
    .update(`${time}.${text}`)
    .digest('hex');
  return h.call(`/files/${sending.job ?? JOB}/beacon`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-magnetar-time': time,
      'x-magnetar-signature': sending.signature ?? `sha256=${mac}`,
      ...sending.headers,
    },
    body: text,
  });
};

const START = { v: 1, job: JOB, event: 'start' };

describe('POST /files/:job/beacon', () => {
  it.each([
    START,
    { v: 1, job: JOB, event: 'executor', i: 0, start: '2026-01-01T00:00:00.1Z' },
    { v: 1, job: JOB, event: 'alive' },
    { v: 1, job: JOB, event: 'end', report: newReport(JOB) },
    {
      v: 1,
      job: JOB,
      event: 'end',
      report: newReport(JOB, {
        state: 'SYSTEM_ERROR',
        error: { code: 'X', message: 'y', phase: 'z' },
        inputs: [{ i: 0, path: '/x', size: 3, seconds: 0.25 }],
        outputs: [{ i: 0, path: '/x', url: 'file:///x', size: 3 }],
      }),
    },
  ])('takes $event and answers go', async (beacon) => {
    const answer = await send(beacon);
    expect([answer.status, answer.json]).toEqual([200, {}]);
    expect(received).toEqual([[JOB, beacon]]);
  });

  it('answers over with 410', async () => {
    answerOfJobs = 'over';
    expect((await send(START)).json).toMatchObject({ status: 410, code: 'JOB_OVER' });
  });

  it('removes members it does not know', async () => {
    await send({ ...START, extra: 1 });
    expect(received).toEqual([[JOB, START]]);
  });

  it.each([
    ['another key', { key: 'other' }],
    ['no signature', { signature: '' }],
    ['half a signature', { signature: 'sha256=abcd' }],
    ['another algorithm', { signature: `md5=${'0'.repeat(64)}` }],
    ['another time', { headers: { 'x-magnetar-time': String(Number(seconds()) - 1) } }],
    ['a time two days ago', { time: String(Number(seconds()) - 172_800) }],
    ['a time in two days', { time: String(Number(seconds()) + 172_800) }],
    ['no time', { time: '' }],
    ['a time that is none', { time: '12x' }],
    ['another job', { job: 'tes-01jbcdefghjkmnpqrstvwxyz00-2-1' }],
  ])('%s is 403', async (_name, sending) => {
    expect((await send(START, sending)).json).toMatchObject({ code: 'SIGNATURE_REFUSED' });
    expect(received).toEqual([]);
  });

  it('a clock that is hours off is fine', async () => {
    expect((await send(START, { time: String(Number(seconds()) - 36_000) })).status).toBe(200);
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['a list', []],
    ['null', null],
    ['no event', { v: 1, job: JOB }],
    ['an unknown event', { ...START, event: 'boom' }],
    ['another version', { ...START, v: 2 }],
    ['another job inside', { ...START, job: 'tes-01jbcdefghjkmnpqrstvwxyz00-2-1' }],
    ['a bad report', { ...START, event: 'end', report: { v: 1 } }],
    ['a bad time', { ...START, event: 'executor', i: 0, start: 'yesterday' }],
    ['a negative index', { ...START, event: 'executor', i: -1, start: '2026-01-01T00:00:00Z' }],
    [
      'a bad size',
      { ...START, event: 'end', report: { ...newReport(JOB), outputs: [{ size: 1.5 }] } },
    ],
  ])('%s is 400', async (_name, body) => {
    expect((await send(body)).status).toBe(400);
    expect(received).toEqual([]);
  });

  it('more than 2 MiB is 413; an encoded body is 415; a job id of another form is 404', async () => {
    expect((await send(`"${'x'.repeat(2 * 1024 * 1024)}"`)).status).toBe(413);
    expect((await send(START, { headers: { 'content-encoding': 'gzip' } })).status).toBe(415);
    expect((await send(START, { job: 'tes-x-1-1' })).status).toBe(404);
  });
});
