/** The TES calls that end-to-end tests make, over real HTTP. */
import type { components } from '../../../src/generated/tes.ts';
import { until } from '../until.ts';

export type WireTask = components['schemas']['tesTask'];

const ENDED: readonly string[] = ['COMPLETE', 'EXECUTOR_ERROR', 'SYSTEM_ERROR', 'CANCELED'];

export interface TesClient {
  create(task: object): Promise<string>;
  get(id: string): Promise<WireTask>;
  cancel(id: string): Promise<void>;
  /** The task once it has ended. */
  ended(id: string, timeoutMs?: number): Promise<WireTask>;
  /** Waits for a state on the way, and fails when the task ends in another one. */
  reached(id: string, state: string, timeoutMs?: number): Promise<void>;
}

const readJson = async (response: Response): Promise<unknown> => {
  const text = await response.text();
  if (!response.ok) throw new Error(`${String(response.status)} ${text}`);
  return JSON.parse(text);
};

/** `authorization`: the header of that name with each request. */
export const createTesClient = (url: () => string, authorization?: string): TesClient => {
  const access = authorization === undefined ? {} : { authorization };
  const tasks = (rest = ''): string => `${url()}/ga4gh/tes/v1/tasks${rest}`;
  const get = async (id: string): Promise<WireTask> =>
    (await readJson(await fetch(tasks(`/${id}?view=FULL`), { headers: access }))) as WireTask;
  return {
    async create(task) {
      const headers = { 'content-type': 'application/json', ...access };
      const body = JSON.stringify(task);
      const answer = await readJson(await fetch(tasks(), { method: 'POST', headers, body }));
      return (answer as { readonly id: string }).id;
    },
    get,
    async cancel(id) {
      await readJson(await fetch(tasks(`/${id}:cancel`), { method: 'POST', headers: access }));
    },
    ended: (id, timeoutMs = 60_000) =>
      until(
        async () => {
          const task = await get(id);
          return ENDED.includes(task.state ?? '') && task;
        },
        { timeoutMs, everyMs: 20, what: `the end of ${id}` },
      ),
    async reached(id, state, timeoutMs = 60_000) {
      await until(
        async () => {
          const now = (await get(id)).state ?? '';
          if (now !== state && ENDED.includes(now)) throw new Error(`${id} ended as ${now}`);
          return now === state;
        },
        { timeoutMs, everyMs: 10, what: `${id} to be ${state}` },
      );
    },
  };
};
