/**
 * Create bodies that nobody would send, over HTTP to a server in a process of its own: each is answered as documented, what is
 * refused leaves nothing behind, and what is stored can be shown. The seed is printed; MAGNETAR_TEST_FUZZ_SEED sets it.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { damaged } from '../../support/fuzz/mutations.ts';
import { NASTY_BODIES } from '../../support/fuzz/nasty-bodies.ts';
import { goodBodies, specBodies } from '../../support/fuzz/spec-bodies.ts';
import { callerOf, idOf, listedIn, MINIMAL_TASK, type Answer, type Harness } from './harness.ts';

const CHILD = fileURLToPath(new URL('./api-child.ts', import.meta.url));
const GIVEN = process.env['MAGNETAR_TEST_FUZZ_SEED'];
const SEED = GIVEN === undefined ? Math.trunc(Math.random() * 2 ** 31) : Number(GIVEN);

/** Bodies of each kind in a round. */
const BODIES = 1000;

/**
 * Most that the heap may hold after the second round for each byte after the first, where all that is made once has been made.
 * On some 15 MB the rest is noise of collections; a server that kept 500 bytes of each request would hold 1 MB more.
 */
const GROWTH = 1.05;

let child: ChildProcess;
let call: Harness['call'];
const accepted = new Set<string>();

const told = async (): Promise<unknown> => {
  const [message] = (await once(child, 'message')) as [unknown];
  return message;
};

const usedHeap = (): Promise<number> => {
  const answer = told() as Promise<number>;
  child.send('heap');
  return answer;
};

beforeAll(async () => {
  console.log(`MAGNETAR_TEST_FUZZ_SEED=${String(SEED)}`);
  child = fork(CHILD, { execArgv: ['--import', 'tsx', '--expose-gc'] });
  call = callerOf(String(await told()));
});

afterAll(async () => {
  const exit = once(child, 'exit');
  child.disconnect();
  expect(await exit).toEqual([0, null]);
});

const headers = { 'content-type': 'application/json' };

const post = async (body: string | Uint8Array<ArrayBuffer>): Promise<Answer> => {
  const answer = await call('tasks', { method: 'POST', headers, body });
  if (answer.status === 200) accepted.add(idOf(answer));
  return answer;
};

const isJson = (body: Uint8Array): boolean => {
  try {
    JSON.parse(new TextDecoder().decode(body));
    return isUtf8(body);
  } catch {
    return false;
  }
};

interface Refusal {
  readonly code: string;
  readonly details: readonly { readonly field: string }[];
}

/** What may be said of a body whose meaning nobody knows. */
const judge = (body: Uint8Array, answer: Answer): void => {
  expect([200, 400, 403]).toContain(answer.status);
  if (answer.status === 200) return;
  const { code, details } = answer.json as Refusal;
  expect(code === 'BAD_REQUEST').toBe(!isJson(body));
  if (code === 'BAD_TASK') expect(details.length).toBeGreaterThan(0);
};

const round = async (seed: number): Promise<void> => {
  const bytes = specBodies.map((text) => new TextEncoder().encode(text));
  for (const bodies of [bytes, damaged(goodBodies)]) {
    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        judge(body, await post(body));
      }),
      { numRuns: BODIES, seed },
    );
  }
};

/** Ids of all stored tasks; each is shown in this view. */
const shown = async (view: string): Promise<readonly string[]> => {
  const ids: string[] = [];
  let token = '';
  do {
    const page = listedIn(await call(`tasks?view=${view}&page_size=256&page_token=${token}`));
    ids.push(...page.tasks.map(({ id }) => id));
    token = page.next_page_token ?? '';
  } while (token !== '');
  return ids;
};

it.each(NASTY_BODIES)('T43, T47: $name is $status', async ({ body, status, field }) => {
  const answer = await post(body);
  expect(answer.status, answer.text.slice(0, 500)).toBe(status);
  if (status !== 400) return;
  const { code, details } = answer.json as Refusal;
  expect(code).toBe(field === undefined ? 'BAD_REQUEST' : 'BAD_TASK');
  expect(details[0]?.field).toBe(field);
});

it('a plain task is stored as it is after all of these', async () => {
  const answer = await post(JSON.stringify(MINIMAL_TASK));
  const { json } = await call(`tasks/${idOf(answer)}?view=BASIC`);
  expect(Object.keys(json as object).toSorted()).toEqual(
    ['id', 'state', 'executors', 'creation_time', 'logs'].toSorted(),
  );
});

it('T43, T47: bodies after the document and damaged ones; the second round leaves no more memory than the first', async () => {
  await round(SEED);
  const first = await usedHeap();
  const before = accepted.size;
  await round(SEED + 1);
  const second = await usedHeap();
  console.log({ accepted: accepted.size - before, first, second });
  // Fewer would mean that the bodies have lost touch with what the server takes.
  expect(accepted.size - before).toBeGreaterThan(BODIES / 3);
  expect(second).toBeLessThan(first * GROWTH);
});

it.each(['BASIC', 'FULL'])(
  'T59: what was accepted, and only that, is shown as %s',
  async (view) => {
    const ids = await shown(view);
    expect(ids).toHaveLength(accepted.size);
    expect(new Set(ids)).toEqual(accepted);
  },
);
