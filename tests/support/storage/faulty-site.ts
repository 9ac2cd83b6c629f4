/** A server whose storages break when they are told to, and the tasks that move data of them. */
import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import {
  createSite,
  startServer,
  type Server,
  type Site,
  type SiteOptions,
} from '../server/server.ts';
import type { WireTask } from '../server/tes-client.ts';
import { until } from '../until.ts';
import { startFaultyLab, type FaultyLab } from './faulty-lab.ts';
import type { Proxy, Stream } from './toxiproxy.ts';

export const sha256 = (bytes: Uint8Array): string =>
  createHash('sha256').update(bytes).digest('hex');

/** Its standard output is what `sha256sum` says of the file. */
export const summing = (url: string) => ({
  inputs: [{ url, path: '/data/in' }],
  executors: [{ image: 'any', command: ['sha256sum'], stdin: '/data/in' }],
});

export const sumOf = (task: WireTask): string | undefined =>
  task.logs?.[0]?.logs[0]?.stdout?.split(' ')[0];

/** Stores `bytesMade(count)`. */
export const making = (url: string, count: number) => ({
  outputs: [{ url, path: '/data/out' }],
  executors: [{ image: 'any', command: ['sh', '-c', `yes | head -c ${String(count)} >/data/out`] }],
});

export const bytesMade = (count: number): Buffer => Buffer.alloc(count, 'y\n');

export const linesOf = (task: WireTask): string => (task.logs?.[0]?.system_logs ?? []).join('\n');

/** As `metadata` says. */
export const triesOf = (task: WireTask, name: 'input 0' | 'output 0'): number => {
  const metadata = task.logs?.[0]?.metadata as Readonly<Record<string, string>> | undefined;
  return Number(/(\d+) tr(?:y|ies)$/.exec(metadata?.[name] ?? '')?.[1]);
};

/** Cuts each connection after some bytes, others each time one was cut; then lets all pass. */
export const cutAt = async (
  proxy: Proxy,
  stream: Stream,
  cuts: readonly number[],
): Promise<void> => {
  for (const bytes of cuts) {
    const before = await proxy.passed(stream);
    await proxy.suffer({ type: 'limit_data', stream, attributes: { bytes } });
    const isCut = async (): Promise<boolean> => (await proxy.passed(stream)) >= before + bytes;
    await until(isCut, { timeoutMs: 60_000, what: `a cut after ${String(bytes)} bytes` });
  }
  await proxy.heal();
};

export interface FaultySite {
  readonly lab: FaultyLab;
  readonly site: Site;
  server: Server;
  /** The task once it has ended; nothing of it shows a secret. */
  ended(id: string, timeoutMs?: number): Promise<WireTask>;
}

/** For the tests of a file; after each all storages are well again. */
export const useFaultySite = (limits: string, options: SiteOptions = {}): (() => FaultySite) => {
  let all: FaultySite | undefined;
  const get = (): FaultySite => {
    if (all === undefined) throw new Error('it is not started yet');
    return all;
  };
  beforeAll(async () => {
    const lab = await startFaultyLab();
    const site = await createSite({ ...options, config: `${lab.config}\n[limits]\n${limits}\n` });
    all = {
      lab,
      site,
      server: await startServer(site),
      async ended(id, timeoutMs = 90_000) {
        const task = await get().server.tes.ended(id, timeoutMs);
        for (const secret of lab.secrets) expect(JSON.stringify(task)).not.toContain(secret);
        return task;
      },
    };
  });
  afterEach(async () => {
    for (const { proxy } of Object.values(get().lab.shelves)) {
      await proxy.up();
      await proxy.heal();
    }
  });
  afterAll(async () => {
    const { server, site, lab } = get();
    await server.stop();
    await site.remove();
    await lab.stop();
  });
  return get;
};
