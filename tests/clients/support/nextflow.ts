/** Plays Nextflow's TES executor as nf-ga4gh 1.4 is written: what it sends, byte for byte where that matters, and what it reads back. */
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.ts';
import type { WireTask } from '../../support/server/tes-client.ts';

const fixture = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../nextflow/${name}`, import.meta.url)), 'utf8');

/** Gson's way: `<`, `>`, `&`, `=` and `'` never stand as they are. */
const gson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[<>&='\u2028\u2029]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Transfer {
  readonly url: string;
  readonly path: string;
  readonly path_prefix?: string;
  readonly type?: 'FILE' | 'DIRECTORY';
}

export interface Process {
  readonly name: string;
  readonly script: string;
  readonly inputs?: readonly Transfer[];
  /** Made from the work folder: outputs lie there. */
  readonly outputs?: (work: string) => readonly Transfer[];
  /** The folder with the uploaded copies of `bin/`. */
  readonly bin?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

export interface Ended {
  readonly state: string;
  readonly exitCode: number;
  /** What Nextflow reads from the work folder. */
  read(name: string): string;
  readonly task: WireTask;
}

const FINAL = ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'];
const STARTED = ['INITIALIZING', 'RUNNING', 'PAUSED', ...FINAL];

export interface Nextflow {
  /** Submits a process; answers its id. */
  submit(process: Process): Promise<string>;
  /** Polls without a view until it has the state. */
  reached(id: string, state: string): Promise<void>;
  ended(id: string): Promise<Ended>;
  /** Answers the status. */
  kill(id: string): Promise<number>;
}

/** How `tes.oauthToken`, `tes.basicUsername` or `tes.apiKey` travel: with every call. */
export interface NextflowAccess {
  readonly query?: string;
  readonly header?: string;
}

/** `tes.endpoint` as configured; `folder` is the work folder of the run. */
export const createNextflow = (
  endpoint: string,
  folder: string,
  { query = '', header }: NextflowAccess = {},
): Nextflow => {
  const works = new Map<string, string>();
  let submitted = 0;

  const call = async (
    method: string,
    rest: string,
    headers: Readonly<Record<string, string>>,
    body = '',
  ): Promise<Answer> => {
    const url = `${endpoint}/v1/tasks${rest}`;
    const full = query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`;
    const outgoing = request(full, {
      method,
      headers: { ...headers, ...(header === undefined ? {} : { authorization: header }) },
      signal: AbortSignal.timeout(10_000),
    });
    outgoing.end(body);
    const [answer] = (await once(outgoing, 'response')) as [
      NodeJS.ReadableStream & { statusCode: number },
    ];
    let text = '';
    for await (const chunk of answer) text += String(chunk);
    return { status: answer.statusCode, body: text };
  };

  const read = async (rest: string): Promise<WireTask> => {
    const { status, body } = await call('GET', rest, { 'content-type': 'application/json' });
    if (status !== 200) throw new Error(`${String(status)} ${body}`);
    return JSON.parse(body) as WireTask;
  };

  const poll = (id: string, isWanted: (state: string) => boolean): Promise<string> =>
    until(
      async () => {
        const minimal = await read(`/${id}`);
        const keys = Object.keys(minimal).toSorted().join();
        if (keys !== 'id,state') throw new Error(`a poll without a view got ${keys}`);
        const state = minimal.state ?? '';
        if (state !== 'QUEUED' && !STARTED.includes(state)) throw new Error(`unknown: ${state}`);
        return isWanted(state) && state;
      },
      { timeoutMs: 60_000, everyMs: 50, what: `task ${id}` },
    );

  return {
    async submit({ name, script, inputs = [], outputs = () => [], bin = [], tags }) {
      const work = path.join(folder, String(++submitted).padStart(2, '0'), 'a1b2c3');
      mkdirSync(work, { recursive: true });
      writeFileSync(path.join(work, '.command.sh'), `#!/bin/bash -ue\n${script}\n`);
      const copies = bin.map((tool) => `cp ${tool} bin/ && chmod +x bin/${path.basename(tool)}`);
      const binLines = ['mkdir -p bin', ...copies, 'export PATH=$PWD/bin:$PATH'].join('\n');
      const wrapper = fixture('command.run').replace('@BIN@', bin.length === 0 ? '' : binLines);
      writeFileSync(path.join(work, '.command.run'), wrapper);
      const control = JSON.parse(fixture('control.json').replaceAll('@WORK@', work)) as {
        readonly inputs: readonly Transfer[];
        readonly outputs: readonly Transfer[];
      };
      const scripts = bin.map((tool) => ({ url: tool, path: tool, type: 'FILE' }));
      const task = {
        ...control,
        name,
        inputs: [...control.inputs, ...inputs, ...scripts],
        outputs: [...control.outputs, ...outputs(work)],
        ...(tags === undefined ? {} : { tags }),
      };
      const type = 'application/json; charset=utf-8';
      const { status, body } = await call('POST', '', { 'content-type': type }, gson(task));
      if (status !== 200) throw new Error(`${String(status)} ${body}`);
      const { id } = JSON.parse(body) as { readonly id: string };
      works.set(id, work);
      return id;
    },
    async reached(id, state) {
      await poll(id, (now) => now === state);
    },
    async ended(id) {
      const state = await poll(id, (now) => FINAL.includes(now));
      const task = await read(`/${id}?view=FULL`);
      const code = task.logs?.[0]?.logs[0]?.exit_code ?? Number.MAX_SAFE_INTEGER;
      const exitCode = { COMPLETE: 0, EXECUTOR_ERROR: code }[state] ?? 1;
      const work = works.get(id) ?? '';
      return { state, exitCode, task, read: (name) => readFileSync(path.join(work, name), 'utf8') };
    },
    async kill(id) {
      const type = 'application/json; charset=utf-8';
      const headers = { 'content-type': type, 'content-length': '0' };
      return (await call('POST', `/${id}:cancel`, headers)).status;
    },
  };
};
