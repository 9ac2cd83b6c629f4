/** What every JobTransport must do, run against real Pulsars. */
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MagnetarError, type ErrorCode } from '../../src/kernel/errors.ts';
import { asBranded } from '../../src/kernel/brand.ts';
import type { JobId } from '../../src/tasks/ids.ts';
import type { CallOptions } from '../../src/tasks/ports/call.ts';
import type { JobTransport } from '../../src/tasks/ports/job-transport.ts';
import { until } from '../support/until.ts';
import {
  REPORT,
  anyJob,
  anySignal,
  fileOf,
  fileText,
  finalStatus,
  jobPid,
  newFlag,
  script,
  waitingScript,
} from '../support/pulsar/jobs.ts';
import { isRunning, processesOf } from '../support/pulsar/process.ts';

export interface TransportUnderTest {
  readonly transport: JobTransport;
  /** The same Pulsar with a token it does not know. */
  readonly wrongToken: JobTransport;
  /** A Pulsar that is not there. */
  readonly down: JobTransport;
  /** Texts that no error may contain. */
  readonly secrets: () => readonly string[];
  /** Ends Pulsar and answers when the next one on the same directory is ready. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Makes Pulsar take connections and not answer, until the returned function is called. */
  freeze(): () => void;
}

export interface TransportContract {
  readonly name: string;
  setup(): Promise<TransportUnderTest>;
  teardown(): Promise<void>;
}

type TransportCall = (transport: JobTransport, call: CallOptions) => Promise<unknown>;

/** Each call of the port, harmless for a job that does not exist. */
const CALLS: Readonly<Record<string, TransportCall>> = {
  submit: (transport, call) => transport.submit(anyJob(), [script()], call),
  status: (transport, call) => transport.status(anyJob(), call),
  fetch: (transport, call) => transport.fetch(anyJob(), REPORT, { ...call, maxBytes: 1000 }),
  download: (transport, call) =>
    transport.download(anyJob(), REPORT, () => Promise.resolve(), { ...call, maxBytes: 1000 }),
  upload: async (transport, call) => {
    const job = anyJob();
    await transport.upload(job, 'x', () => Promise.resolve({ body: Readable.from(['x']) }), call);
    await transport.clean(job, call);
  },
  collect: (transport, call) =>
    transport.collect(anyJob(), 'x', () => Promise.resolve(), { ...call, maxBytes: 1000 }),
  askToStop: async (transport, call) => {
    const job = anyJob();
    await transport.askToStop(job, call);
    await transport.clean(job, call);
  },
  kill: (transport, call) => transport.kill(anyJob(), call),
  clean: (transport, call) => transport.clean(anyJob(), call),
  probe: (transport, call) => transport.probe(call),
};
const CALL_NAMES = Object.keys(CALLS);

const ODD_JOBS = ['', '.', '..', '../x', 'a/b', 'a b', 'a;b', 'ä', '-a', 'a\n', 'x'.repeat(65)];
const ODD_FILES = ['', '.', '..', '../x', '/x', 'a//b', 'a/', 'a/../b', '.x', 'a b', 'a\0', 'ä'];

export const jobTransportContract = (contract: TransportContract): void => {
  describe(`job transport: ${contract.name}`, () => {
    let under: TransportUnderTest;
    let transport: JobTransport;

    beforeAll(async () => {
      under = await contract.setup();
      transport = under.transport;
    });
    afterAll(async () => {
      await contract.teardown();
    });

    const call = (): CallOptions => ({ signal: anySignal() });
    const bounded = (maxBytes: number) => ({ signal: anySignal(), maxBytes });
    const run = async (...lines: readonly string[]): Promise<JobId> => {
      const job = anyJob();
      await transport.submit(job, [script(...lines)], call());
      return job;
    };
    const flag = newFlag();
    afterEach(() => {
      flag.remove();
    });
    /** A job that goes on until the flag is raised. */
    const runWaiting = async (): Promise<JobId> => {
      const job = anyJob();
      await transport.submit(job, [waitingScript(flag)], call());
      return job;
    };

    /** The error of a call, after a look for secrets in every corner of it. */
    const failureOf = async (work: Promise<unknown>): Promise<unknown> => {
      const error = await work.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      const shown = inspect(error, { depth: 10, showHidden: true });
      for (const secret of under.secrets()) expect(shown).not.toContain(secret);
      return error;
    };
    const expectCode = async (work: Promise<unknown>, code: ErrorCode): Promise<MagnetarError> => {
      const error = await failureOf(work);
      expect(error).toBeInstanceOf(MagnetarError);
      const known = error as MagnetarError;
      expect(known.code, known.message).toBe(code);
      return known;
    };
    /** Kills as the dispatcher does: again and again, because Pulsar ignores it in several phases. */
    const killUntilFinal = (job: JobId) =>
      until(
        async () => {
          await transport.kill(job, call());
          const status = await transport.status(job, call());
          return status.final && status;
        },
        { timeoutMs: 30_000, what: `end of ${job}` },
      );

    describe('a job from start to end', () => {
      it('runs and brings its report along in the final status', async () => {
        const job = await run();
        const status = await finalStatus(transport, job);
        expect(status).toEqual({ status: 'complete', final: true, report: '{"ran":1}' });
      });

      it('shows only known words on the way, and final only at the end', async () => {
        const job = await runWaiting();
        const seen = new Set<string>();
        await until(async () => {
          const { status, final } = await transport.status(job, call());
          expect(final).toBe(false);
          seen.add(status);
          return status === 'running';
        });
        flag.raise();
        const last = await until(async () => {
          const status = await transport.status(job, call());
          seen.add(status.status);
          return status.final && status;
        });
        expect(last.status).toBe('complete');
        const words = ['preprocessing', 'queued', 'running', 'postprocessing', 'complete'];
        expect(words).toEqual(expect.arrayContaining([...seen]));
      });

      it('lays files down byte by byte, also below folders and empty', async () => {
        const bytes = randomBytes(3_000_000);
        const job = anyJob();
        const files = [
          fileOf('plan.json', '{"ü":"\u{1F600}"}'),
          fileOf('deep/er/data.bin', bytes),
          fileOf('empty', ''),
          script(
            'cd ../inputs',
            'sha256sum plan.json deep/er/data.bin empty > sums',
            'cp sums ../metadata/tes/sums',
            'cd ../working',
          ),
        ];
        await transport.submit(job, files, call());
        await finalStatus(transport, job);
        const sums = await fileText(transport, job, 'tes/sums');
        for (const file of files.slice(0, 3)) {
          const sum = createHash('sha256').update(file.bytes).digest('hex');
          expect(sums).toContain(`${sum}  ${file.name}\n`);
        }
      });

      it('does not run a job again that is submitted again', async () => {
        const job = await run();
        await transport.submit(job, [script()], call());
        expect((await finalStatus(transport, job)).report).toBe('{"ran":1}');
        await transport.submit(job, [script()], call());
        expect((await finalStatus(transport, job)).report).toBe('{"ran":1}');
      });

      it('runs many jobs at once', async () => {
        const jobs = await Promise.all(Array.from({ length: 20 }, () => run('sleep 0.2')));
        const ends = await Promise.all(jobs.map((job) => finalStatus(transport, job)));
        expect(ends.map((end) => end.report)).toEqual(jobs.map(() => '{"ran":1}'));
      });

      it('ends without a report when the runner wrote none', async () => {
        const job = anyJob();
        await transport.submit(job, [fileOf('run.sh', 'exit 3\n')], call());
        expect(await finalStatus(transport, job)).toEqual({ status: 'complete', final: true });
      });
    });

    describe('fetch', () => {
      it('answers the bytes of a file while the job runs and after its end', async () => {
        const job = await run(
          'head -c 300000 /dev/urandom > ../metadata/tes/blob',
          'sha256sum ../metadata/tes/blob > ../metadata/tes/sum',
          'sleep 0.5',
        );
        const sum = await fileText(transport, job, 'tes/sum');
        await finalStatus(transport, job);
        const blob = await transport.fetch(job, 'tes/blob', bounded(300_000));
        expect(sum).toContain(
          createHash('sha256')
            .update(blob ?? '')
            .digest('hex'),
        );
      });

      it('answers undefined for a missing file, a folder and an unknown job', async () => {
        const job = await run();
        await finalStatus(transport, job);
        expect(await transport.fetch(job, 'tes/none', bounded(1000))).toBeUndefined();
        expect(await transport.fetch(job, 'tes', bounded(1000))).toBeUndefined();
        expect(await transport.fetch(anyJob(), REPORT, bounded(1000))).toBeUndefined();
      });

      it('refuses a file over the limit', async () => {
        const job = await run('head -c 100001 /dev/zero > ../metadata/tes/blob');
        await finalStatus(transport, job);
        expect((await transport.fetch(job, 'tes/blob', bounded(100_001)))?.length).toBe(100_001);
        await expectCode(transport.fetch(job, 'tes/blob', bounded(100_000)), 'PULSAR_REFUSED');
      });
    });

    describe('download', () => {
      const BYTES = 20_000_000;

      it('hands on a large file piece by piece, also to a slow receiver', async () => {
        const job = await run(
          `head -c ${String(BYTES)} /dev/urandom > ../metadata/tes/blob`,
          'sha256sum ../metadata/tes/blob > ../metadata/tes/sum',
        );
        await finalStatus(transport, job);
        const hash = createHash('sha256');
        let largest = 0;
        const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
          await tick(50);
          for await (const piece of bytes) {
            hash.update(piece);
            largest = Math.max(largest, piece.length);
          }
        };
        expect(await transport.download(job, 'tes/blob', take, bounded(BYTES))).toBe(true);
        expect(await fileText(transport, job, 'tes/sum')).toContain(hash.digest('hex'));
        expect(largest).toBeLessThan(1_000_000);
      });

      it('answers false for a missing file, a folder and an unknown job', async () => {
        const job = await run();
        await finalStatus(transport, job);
        const take = () => Promise.reject(new Error('there is nothing to take'));
        expect(await transport.download(job, 'tes/none', take, bounded(1000))).toBe(false);
        expect(await transport.download(job, 'tes', take, bounded(1000))).toBe(false);
        expect(await transport.download(anyJob(), REPORT, take, bounded(1000))).toBe(false);
      });

      it('can be called off on the way', async () => {
        const job = await run('head -c 3000000 /dev/zero > ../metadata/tes/blob');
        await finalStatus(transport, job);
        const reason = new MagnetarError('STOPPING', 'enough');
        const controller = new AbortController();
        const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
          for await (const piece of bytes) if (piece.length > 0) controller.abort(reason);
        };
        const options = { signal: controller.signal, maxBytes: 3_000_000 };
        expect(await failureOf(transport.download(job, 'tes/blob', take, options))).toBe(reason);
      });
    });

    describe('askToStop', () => {
      /** A job that ends by itself once it sees the mark, as the runner does. */
      const UNTIL_MARKED = 'for n in $(seq 600); do [ -e ../cancelled ] && break; sleep 0.1; done';

      it('is seen by the job, which Pulsar goes on calling its own', async () => {
        const job = await run(UNTIL_MARKED);
        await jobPid(transport, job);
        await transport.askToStop(job, call());
        await transport.askToStop(job, call());
        const status = await finalStatus(transport, job);
        expect(status).toEqual({ status: 'complete', final: true, report: '{"ran":1}' });
      });

      it('leaves a job that does not heed it alive, and to be killed', async () => {
        const job = await runWaiting();
        const pid = await jobPid(transport, job);
        await transport.askToStop(job, call());
        expect(await transport.status(job, call())).toEqual({ status: 'running', final: false });
        expect(isRunning(pid)).toBe(true);
        expect((await killUntilFinal(job)).status).toBe('cancelled');
        await until(() => !isRunning(pid), { what: 'end of the job' });
      });

      it('does nothing to an ended job', async () => {
        const job = await run();
        const end = await finalStatus(transport, job);
        await transport.askToStop(job, call());
        expect(await transport.status(job, call())).toEqual(end);
      });

      it('does not change what Pulsar says of a killed job', async () => {
        const job = await runWaiting();
        await jobPid(transport, job);
        await killUntilFinal(job);
        await transport.askToStop(job, call());
        expect((await transport.status(job, call())).status).toBe('cancelled');
      });
    });

    describe('kill', () => {
      it('does nothing before the submit', async () => {
        const job = anyJob();
        await transport.kill(job, call());
        await transport.submit(job, [script()], call());
        expect((await finalStatus(transport, job)).report).toBe('{"ran":1}');
      });

      it('right after the submit leaves no process behind once it is repeated', async () => {
        for (let n = 0; n < 20; n += 1) {
          const job = await runWaiting();
          const status = await killUntilFinal(job);
          expect(status.status).toBe('cancelled');
          // run.sh may have been started after the end was recorded (protocol fact 6): it ends by itself
          await until(() => processesOf(job).length === 0, { what: `last process of ${job}` });
        }
      });

      it('ends a running job and its children', async () => {
        const job = anyJob();
        const files = [script('sleep 300 & echo $! > ../metadata/tes/child', 'wait')];
        await transport.submit(job, files, call());
        const child = Number(await fileText(transport, job, 'tes/child'));
        const pid = await jobPid(transport, job);
        expect((await killUntilFinal(job)).status).toBe('cancelled');
        await until(() => !isRunning(pid) && !isRunning(child), { what: 'end of the job' });
      });

      it('does nothing to an ended job', async () => {
        const job = await run();
        await finalStatus(transport, job);
        await transport.kill(job, call());
        const status = await transport.status(job, call());
        expect(status).toEqual({ status: 'complete', final: true, report: '{"ran":1}' });
      });
    });

    describe('clean', () => {
      it('removes an ended job, also twice, and makes it unknown', async () => {
        const job = await run();
        await finalStatus(transport, job);
        await transport.clean(job, call());
        await transport.clean(job, call());
        expect(await transport.status(job, call())).toEqual({ status: 'lost', final: true });
        expect(await transport.fetch(job, REPORT, bounded(1000))).toBeUndefined();
      });

      it('says of a job nobody knows that it is lost', async () => {
        expect(await transport.status(anyJob(), call())).toEqual({ status: 'lost', final: true });
        await transport.clean(anyJob(), call());
      });
    });

    describe('output that is not UTF-8', () => {
      it('does no harm in files', async () => {
        const job = await run(
          String.raw`printf '\377\376' > ../metadata/tes/blob`,
          String.raw`printf '\377'`,
        );
        expect((await finalStatus(transport, job)).status).toBe('complete');
        expect(await transport.fetch(job, 'tes/blob', bounded(10))).toEqual(
          Buffer.from([255, 254]),
        );
      });

      it.each([
        [
          'printed to Pulsar',
          String.raw`printf '\377'; mkdir -p ../metadata/tes; echo '{}' > ../metadata/tes/report.json`,
        ],
        [
          'in the report',
          String.raw`mkdir -p ../metadata/tes; printf '{\377}' > ../metadata/tes/report.json`,
        ],
      ])('%s makes the status unreadable for ever, not the report', async (_, line) => {
        const job = anyJob();
        await transport.submit(job, [fileOf('run.sh', `${line}\n`)], call());
        const isRefused = (): Promise<boolean> =>
          transport.status(job, call()).then(
            () => false,
            () => true,
          );
        await until(isRefused, { what: 'refused status' });
        await expectCode(transport.status(job, call()), 'PULSAR_REFUSED');
        expect(await fileText(transport, job, REPORT)).toMatch(/^\{.*\}/);
        await transport.clean(job, call());
      });
    });

    describe('upload and collect', () => {
      const collected = async (job: JobId, name: string, maxBytes = 1000): Promise<Buffer> => {
        const pieces: Uint8Array[] = [];
        const take = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
          for await (const piece of bytes) pieces.push(piece);
        };
        expect(await transport.collect(job, name, take, bounded(maxBytes))).toBe(true);
        return Buffer.concat(pieces);
      };
      const give = (job: JobId, name: string, ...pieces: readonly Buffer[]): Promise<void> => {
        const open = () => Promise.resolve({ body: Readable.from(pieces, { objectMode: false }) });
        return transport.upload(job, name, open, call());
      };
      /** Moves what was uploaded to where it can be collected. */
      const back = script('mkdir -p ../outputs/push', 'mv ../inputs/push/* ../outputs/push/');

      it('lay files into a job before it is submitted, and fetch what it leaves', async () => {
        const job = anyJob();
        const big = Array.from({ length: 50 }, () => randomBytes(100_000));
        await give(job, 'push/big', ...big);
        await give(job, 'push/none');
        const body = () => Readable.from([Buffer.from('five5')], { objectMode: false });
        await transport.upload(
          job,
          'push/x',
          () => Promise.resolve({ body: body(), size: 5 }),
          call(),
        );
        expect((await transport.status(job, call())).status).toBe('preprocessing');
        await transport.submit(job, [back], call());
        await finalStatus(transport, job);
        expect((await collected(job, 'push/big', 5_000_000)).equals(Buffer.concat(big))).toBe(true);
        expect((await collected(job, 'push/none')).length).toBe(0);
        expect((await collected(job, 'push/x')).toString()).toBe('five5');
      });

      it('put the last of several uploads of one file there', async () => {
        const job = anyJob();
        await give(job, 'push/x', Buffer.from('a longer one'));
        await give(job, 'push/x', Buffer.from('short'));
        await transport.submit(job, [back], call());
        await finalStatus(transport, job);
        expect((await collected(job, 'push/x')).toString()).toBe('short');
      });

      it('throw what the source ends with, and close it', async () => {
        const job = anyJob();
        const reason = new MagnetarError('STORAGE_UNAVAILABLE', 'later');
        const broken = Readable.from(
          (async function* () {
            yield await Promise.resolve(Buffer.alloc(100_000));
            throw reason;
          })(),
          { objectMode: false },
        );
        const work = transport.upload(
          job,
          'push/x',
          () => Promise.resolve({ body: broken, size: 200_000 }),
          call(),
        );
        expect(await failureOf(work)).toBe(reason);
        expect(broken.destroyed).toBe(true);
        const never = transport.upload(job, 'push/x', () => Promise.reject(reason), call());
        expect(await failureOf(never)).toBe(reason);
        await give(job, 'push/x', Buffer.from('whole'));
        await transport.clean(job, call());
      });

      it('throw what the receiver throws, and bound what it is given', async () => {
        const job = await run('mkdir -p ../outputs/push', 'echo 123456789 > ../outputs/push/x');
        await finalStatus(transport, job);
        const reason = new MagnetarError('STORAGE_FAILED', 'no room');
        const take = () => Promise.reject(reason);
        expect(await failureOf(transport.collect(job, 'push/x', take, bounded(10)))).toBe(reason);
        await expectCode(collected(job, 'push/x', 9), 'PULSAR_REFUSED');
      });

      it('know nothing of a file that is not there', async () => {
        const job = await run();
        await finalStatus(transport, job);
        const take = () => Promise.reject(new Error('there is nothing to take'));
        expect(await transport.collect(job, 'push/x', take, bounded(10))).toBe(false);
      });
    });

    describe('what is refused', () => {
      it.each(ODD_JOBS)('the job id %j', async (text) => {
        const job = asBranded<'JobId'>(text);
        const works = [
          transport.submit(job, [], call()),
          transport.status(job, call()),
          transport.fetch(job, REPORT, bounded(1)),
          transport.download(job, REPORT, () => Promise.resolve(), bounded(1)),
          transport.upload(job, 'x', () => Promise.reject(new Error('opened')), call()),
          transport.collect(job, 'x', () => Promise.resolve(), bounded(1)),
          transport.askToStop(job, call()),
          transport.kill(job, call()),
          transport.clean(job, call()),
        ];
        for (const work of await Promise.allSettled(works)) {
          expect(work).toMatchObject({
            status: 'rejected',
            reason: expect.any(TypeError) as unknown,
          });
        }
      });

      it.each(ODD_FILES)('the file name %j', async (name) => {
        await expect(transport.fetch(anyJob(), name, bounded(1))).rejects.toThrow(TypeError);
        const never = () => Promise.reject(new Error('opened'));
        await expect(transport.upload(anyJob(), name, never, call())).rejects.toThrow(TypeError);
        await expect(transport.submit(anyJob(), [fileOf(name, '')], call())).rejects.toThrow(
          TypeError,
        );
      });
    });

    describe('a Pulsar that does not cooperate', () => {
      it.each(CALL_NAMES)('%s with a wrong token is PULSAR_UNAUTHORIZED', async (name) => {
        await expectCode(CALLS[name]!(under.wrongToken, call()), 'PULSAR_UNAUTHORIZED');
      });

      it.each(CALL_NAMES)('%s without a Pulsar is PULSAR_UNREACHABLE', async (name) => {
        const error = await expectCode(CALLS[name]!(under.down, call()), 'PULSAR_UNREACHABLE');
        expect(error.row.retryable).toBe(true);
      });

      it.each(CALL_NAMES)('%s obeys a signal before and during the call', async (name) => {
        const reason = new MagnetarError('STOPPING', 'enough');
        const early = CALLS[name]!(transport, { signal: AbortSignal.abort(reason) });
        expect(await failureOf(early)).toBe(reason);

        const thaw = under.freeze();
        try {
          const controller = new AbortController();
          const work = failureOf(CALLS[name]!(transport, { signal: controller.signal }));
          await expect(Promise.race([work, tick(150)])).resolves.toBe('tick');
          const start = performance.now();
          controller.abort(reason);
          expect(await work).toBe(reason);
          expect(performance.now() - start).toBeLessThan(100);
        } finally {
          thaw();
        }
      });

      it('tells its version', async () => {
        expect((await transport.probe(call())).version).toMatch(/^\d+\.\d+\.\d+/);
      });
    });

    describe.each(['SIGTERM', 'SIGKILL'] as const)('a Pulsar restarted by %s', (signal) => {
      it('lets running jobs go on and their reports be fetched', async () => {
        const running = await runWaiting();
        const pid = await jobPid(transport, running);
        const ended = await run();
        await finalStatus(transport, ended);
        await under.restart(signal);

        expect(isRunning(pid)).toBe(true);
        flag.raise();
        expect(await fileText(transport, running, REPORT)).toBe('{"ran":1}');
        // a hint only: Pulsar may go on saying `running` (protocol fact 10)
        expect(['running', 'lost', 'complete']).toContain(
          (await transport.status(running, call())).status,
        );
        expect(await transport.status(ended, call())).toEqual({
          status: 'complete',
          final: true,
          report: '{"ran":1}',
        });
        const next = await run();
        expect((await finalStatus(transport, next)).report).toBe('{"ran":1}');
      });

      it('still ends a job when asked', async () => {
        const job = await runWaiting();
        const pid = await jobPid(transport, job);
        await under.restart(signal);
        await transport.kill(job, call());
        await until(() => !isRunning(pid), { what: 'end of the job' });
      });
    });
  });
};

/** `tick` after some time: shows that a promise is still pending. */
const tick = (ms: number): Promise<'tick'> =>
  new Promise((resolve) => setTimeout(() => resolve('tick'), ms));
