/** T48-T59: one task in its three views. */
import { check, holds, lastly, type Check } from '../check.ts';
import { assertShape, getGood, ranSample, sample, settled } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { at, isSame, listOf, recordOf, textAt, walk, shown } from '../json.ts';
import type { Lab } from '../lab.ts';
import {
  assertJson,
  assertStatus,
  assertThat,
  choice,
  pass,
  Skipped,
  weigh,
  worst,
} from '../verdict.ts';
import { RFC_3339 } from './service-info.ts';

const MINIMAL_KEYS = ['id', 'state'];

export const assertMinimal = (task: unknown, answer: Answer): void => {
  const keys = Object.keys(recordOf(task)).toSorted();
  assertThat(isSame(keys, MINIMAL_KEYS), `has the keys ${keys.join(', ')}`, answer);
};

/** Fields that BASIC must not have, as paths with any index. */
const FULL_ONLY = [
  '.inputs[].content',
  '.logs[].logs[].stdout',
  '.logs[].logs[].stderr',
  '.logs[].system_logs',
];

const withoutIndexes = (path: string): string => path.replaceAll(/\[\d+\]/g, '[]');

export const assertBasic = (task: unknown, answer: Answer): void => {
  for (const [path] of walk(task)) {
    assertThat(!FULL_ONLY.includes(withoutIndexes(path)), `BASIC has ${path.slice(1)}`, answer);
  }
};

const WAITING = ['QUEUED', 'INITIALIZING'];
const LOOKS = 5;

/** T55: BASIC and FULL of a task that has not started, each from a look in time. */
const unstarted = async (lab: Lab): Promise<readonly Answer[]> => {
  for (let look = 0; look < LOOKS; look += 1) {
    const id = await lab.create(lab.task('unstarted'));
    const answers = [await getGood(lab, id, 'BASIC'), await getGood(lab, id, 'FULL')];
    await lab.cancel(id);
    if (answers.every(({ json }) => WAITING.includes(textAt(json, 'state')))) return answers;
  }
  throw new Skipped('tasks start sooner than they can be looked at');
};

const assertUnstartedLogs = (answer: Answer): void => {
  const logs = at(answer.json, 'logs');
  assertThat(Array.isArray(logs), 'logs is no list', answer);
  for (const log of listOf(logs)) {
    for (const name of ['logs', 'outputs']) {
      assertThat(isSame(at(log, name), []), `logs[].${name} is no empty list`, answer);
    }
  }
  for (const [path, value] of walk(answer.json)) {
    assertThat(value !== null, `${path.slice(1)} is null`, answer);
  }
};

/** T56: what a value at a place must be. */
const TYPES: readonly (readonly [
  place: RegExp,
  what: string,
  fits: (value: unknown) => boolean,
])[] = [
  [/\.exit_code$/, 'an integer', Number.isInteger],
  [/\.size_bytes$/, 'decimal text', (value) => typeof value === 'string' && /^\d+$/.test(value)],
  [/\.metadata\.[^.]+$/, 'text', (value) => typeof value === 'string'],
];

const assertTypes = (answer: Answer): void => {
  for (const [path, value] of walk(at(answer.json, 'logs'))) {
    for (const [place, what, fits] of TYPES) {
      const good = !place.test(path) || fits(value);
      assertThat(good, `logs${path} is ${shown(value)}, not ${what}`, answer);
    }
  }
};

const timeAt = (answer: Answer, ...path: readonly (string | number)[]): number => {
  const text = textAt(answer.json, ...path);
  const place = path.join('.');
  assertThat(RFC_3339.test(text), `${place} is ${shown(text)}`, answer);
  return Date.parse(text);
};

const ONE_VIEW: readonly Check[] = [
  check(
    'T48',
    'S',
    'without view exactly id and state',
    holds(async (lab) => {
      const answer = await getGood(lab, (await sample(lab)).id);
      assertJson(answer);
      assertMinimal(answer.json, answer);
      assertShape(lab, answer, 'MINIMAL');
    }),
  ),
  check(
    'T49',
    'S',
    'MINIMAL is the default',
    holds(async (lab) => {
      const { id } = await sample(lab);
      const answer = await lab.get(id, 'MINIMAL');
      assertStatus(answer, 200);
      assertMinimal(answer.json, answer);
    }),
  ),
  check(
    'T50',
    'S',
    'BASIC has what was sent, and logs',
    holds(async (lab) => {
      const { id, body } = await sample(lab);
      const answer = await getGood(lab, id, 'BASIC');
      assertShape(lab, answer, 'task');
      const missing = [...Object.keys(body), 'logs', 'creation_time'].filter(
        (name) => at(answer.json, name) === undefined,
      );
      assertThat(missing.length === 0, `BASIC lacks ${missing.join(', ')}`);
      const executors = at(answer.json, 'executors');
      assertThat(isSame(executors, body['executors']), 'executors are changed');
    }),
  ),
  check(
    'T51',
    'S',
    'BASIC has no content, streams and system logs',
    holds(async (lab) => {
      const answer = await getGood(lab, (await sample(lab)).id, 'BASIC');
      assertBasic(answer.json, answer);
    }),
  ),
  check('T52', 'S', 'FULL has content, streams and system logs', async (lab) => {
    const { id, body, ran } = await sample(lab);
    const answer = await getGood(lab, id, 'FULL');
    assertShape(lab, answer, 'task');
    const content = at(answer.json, 'inputs', 0, 'content');
    assertThat(content === at(body, 'inputs', 0, 'content'), 'FULL lacks inputs[0].content');
    if (!ran) return pass('streams were not looked at (--no-run)');
    for (const name of ['stdout', 'stderr']) {
      const stream = at(answer.json, 'logs', 0, 'logs', 0, name);
      assertThat(typeof stream === 'string', `FULL lacks logs[0].logs[0].${name}`);
    }
    const lines = at(answer.json, 'logs', 0, 'system_logs');
    return Array.isArray(lines) ? pass() : choice('FULL has no system_logs', answer);
  }),
  check('T53', 'I', 'an unknown view is 400', async (lab) => {
    const { id } = await sample(lab);
    const unknown = await lab.send('GET', `/tasks/${id}?view=XXL`);
    const lower = await lab.send('GET', `/tasks/${id}?view=basic`);
    const verdict = weigh(unknown, 400, 'view=XXL');
    const small = `view=basic is ${String(lower.status)}`;
    assertThat([200, 400].includes(lower.status), small, lower);
    return verdict.result === 'pass' ? pass(small) : verdict;
  }),
  check('T54', 'I', 'an unknown or malformed id is 404', async (lab) => {
    const answers = [await lab.get(`${lab.prefix}unknown`), await lab.get('%$ ü')];
    for (const answer of answers) assertThat(answer.status >= 400, 'there is no such task', answer);
    return worst(answers.map((answer) => weigh(answer, 404, 'an id of no task')));
  }),
];

const VALUES: readonly Check[] = [
  check(
    'T55',
    'C',
    'before the start logs are lists without entries, nothing is null',
    holds(async (lab) => {
      for (const answer of await unstarted(lab)) assertUnstartedLogs(answer);
    }),
  ),
  check(
    'T56',
    'S',
    'exit codes are integers, sizes decimal text, metadata text',
    holds(async (lab) => {
      const answer = await ranSample(lab);
      const code = at(answer.json, 'logs', 0, 'logs', 0, 'exit_code');
      assertThat(code === 0, `the exit code is ${shown(code)}`);
      assertTypes(answer);
    }),
  ),
  check('T57', 'S', 'times are RFC 3339 with offset, in order', async (lab) => {
    const { id, ran } = await sample(lab);
    const answer = await getGood(lab, id, 'FULL');
    const created = timeAt(answer, 'creation_time');
    if (!ran) return pass('start and end were not looked at (--no-run)');
    const start = timeAt(answer, 'logs', 0, 'start_time');
    const end = timeAt(answer, 'logs', 0, 'end_time');
    assertThat(created <= start && start <= end, 'creation, start and end are not in order');
    return pass();
  }),
  lastly(
    check('T58', 'S', 'states are of the document, and the last one stays', async (lab) => {
      await sample(lab);
      const id = await settled(lab, 'settled');
      for (let look = 0; look < LOOKS; look += 1) await getGood(lab, id);
      const [stray] = lab.watch.strayStates;
      assertThat(stray === undefined, stray?.message ?? '', stray?.answer);
      return pass(`the task stayed ${lab.watch.stateOf(id)}`);
    }),
  ),
  lastly(
    check(
      'T59',
      'K',
      'tasks have only keys of the document, in every answer of the run',
      holds(async (lab) => {
        const { id } = await sample(lab);
        for (const view of ['BASIC', 'FULL'] as const) await getGood(lab, id, view);
        const [breach] = lab.watch.breaches;
        assertThat(breach === undefined, breach?.message ?? '', breach?.answer);
      }),
    ),
  ),
];

export const VIEW_CHECKS: readonly Check[] = [...ONE_VIEW, ...VALUES];
