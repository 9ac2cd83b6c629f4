/** Toxiproxy: cuts, slows down and silences what passes through it, as a test says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { goProgram } from '../go-program.ts';
import { until } from '../until.ts';
import { freePort } from './ports.ts';

const PROGRAM = {
  name: 'toxiproxy',
  source: 'github.com/Shopify/toxiproxy/v2/cmd/server',
  version: 'v2.5.0',
};

/** `downstream`: what the storage sends. */
export type Stream = 'upstream' | 'downstream';

export interface Toxic {
  /** `limit_data`, `bandwidth`, `timeout` and the others of Toxiproxy. */
  readonly type: string;
  readonly stream: Stream;
  readonly attributes: Readonly<Record<string, number>>;
}

/** One or more ports that fail together. */
export interface Proxy {
  readonly ports: readonly number[];
  /** In place of what was wrong before; of a connection that is open too. */
  suffer(toxic: Toxic): Promise<void>;
  heal(): Promise<void>;
  /** Nobody listens any more, and all connections are closed. */
  down(): Promise<void>;
  up(): Promise<void>;
  /** Bytes that went through in connections that have ended. */
  passed(stream: Stream): Promise<number>;
}

/** The port that is listened on, and where it leads. */
export interface Lane {
  readonly port: number;
  readonly to: string;
}

export interface Toxiproxy {
  before(lanes: readonly Lane[]): Promise<Proxy>;
  stop(): Promise<void>;
}

const SENT = /^toxiproxy_proxy_sent_bytes_total\{(.*)\} (\S+)$/gm;

export const startToxiproxy = async (): Promise<Toxiproxy> => {
  const program = await goProgram(PROGRAM);
  const port = String(await freePort());
  const child = spawn(program, ['-host', '127.0.0.1', '-port', port, '-proxy-metrics'], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const base = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error('Toxiproxy ended at its start');
    return fetch(`${base}/version`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await until(answers, { timeoutMs: 30_000, everyMs: 20, what: 'Toxiproxy' });

  const ask = async (method: string, path: string, body?: object): Promise<string> => {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(base + path, { method, ...json });
    const text = await answer.text();
    // What is taken away may be gone: it was never there, or went with the connection.
    if (answer.ok || (method === 'DELETE' && answer.status === 404)) return text;
    throw new Error(`Toxiproxy answers ${String(answer.status)}: ${text}`);
  };

  return {
    async before(lanes) {
      const names = lanes.map((lane) => String(lane.port));
      for (const { port: own, to } of lanes) {
        const listen = `127.0.0.1:${String(own)}`;
        await ask('POST', '/proxies', { name: String(own), listen, upstream: to, enabled: true });
      }
      const each = async (method: string, path: string, body?: object): Promise<void> => {
        await Promise.all(names.map((name) => ask(method, `/proxies/${name}${path}`, body)));
      };
      const heal = (): Promise<void> => each('DELETE', '/toxics/it');
      return {
        ports: lanes.map((lane) => lane.port),
        async suffer(toxic) {
          await heal();
          await each('POST', '/toxics', { name: 'it', toxicity: 1, ...toxic });
        },
        heal,
        down: () => each('POST', '', { enabled: false }),
        up: () => each('POST', '', { enabled: true }),
        async passed(stream) {
          const metrics = [...(await ask('GET', '/metrics')).matchAll(SENT)];
          return metrics
            .filter(([, labels = '']) => labels.includes(`direction="${stream}"`))
            .filter(([, labels = '']) => names.some((name) => labels.includes(`proxy="${name}"`)))
            .reduce((sum, [, , bytes]) => sum + Number(bytes), 0);
        },
      };
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
};
