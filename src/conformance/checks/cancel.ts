/** T79-T84: cancelling. */
import { check, holds, type Check } from '../check.ts';
import { assertShape, getGood, ranSample, sample, settled } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { at, isSame, listOf, textAt } from '../json.ts';
import type { Lab, SendOptions } from '../lab.ts';
import { assertJson, assertStatus, assertThat, pass, Skipped, weigh } from '../verdict.ts';
import { isEnded } from '../watch.ts';

const FORMS: Readonly<Record<string, SendOptions>> = {
  'no body': {},
  '{}': { headers: { 'content-type': 'application/json' }, body: '{}' },
  'a JSON type and no body': { headers: { 'content-type': 'application/json' } },
};

const assertCancelled = (lab: Lab, answer: Answer, what: string): void => {
  assertStatus(answer, 200, what);
  assertJson(answer);
  assertShape(lab, answer, 'cancelled', true);
};

const LOOKS = 5;

/** T80: the state may be CANCELING on its way, and stays CANCELED. */
const assertGone = async (lab: Lab, id: string): Promise<void> => {
  const end = await lab.until(id, 'a cancelled task to end', isEnded);
  assertThat(textAt(end.json, 'state') === 'CANCELED', 'it does not end as CANCELED', end);
  for (let look = 0; look < LOOKS; look += 1) {
    const answer = await getGood(lab, id);
    assertThat(textAt(answer.json, 'state') === 'CANCELED', 'CANCELED does not stay', answer);
  }
};

const TRIES = 5;

const hasRun = ({ json }: Answer): boolean =>
  listOf(at(json, 'logs')).some((log) => listOf(at(log, 'logs')).length > 0);

const hasSent = ({ json }: Answer): boolean =>
  listOf(at(json, 'logs')).some((log) => listOf(at(log, 'outputs')).length > 0);

/** T84: a task that is cancelled at once, at its end. */
const cancelledAtOnce = async (lab: Lab): Promise<Answer> => {
  const executors = [lab.executor(['sleep', '5'])];
  const id = await lab.create(lab.task('cancel-queued', { executors }));
  assertStatus(await lab.cancel(id), 200);
  await lab.until(id, 'the cancelled task to end', isEnded);
  return getGood(lab, id, 'FULL');
};

export const CANCEL_CHECKS: readonly Check[] = [
  check(
    'T79',
    'S',
    'cancel answers 200 {} without body, with {} and with a JSON type alone',
    holds(async (lab) => {
      for (const [what, options] of Object.entries(FORMS)) {
        const id = await lab.create(lab.task('cancel'));
        assertCancelled(lab, await lab.send('POST', `/tasks/${id}:cancel`, options), what);
      }
    }),
  ),
  check('T80', 'S', 'a running task becomes CANCELED and stays so', async (lab) => {
    if (!lab.options.run) {
      await assertGone(lab, await settled(lab, 'cancel-waiting'));
      return pass('a waiting task only (--no-run)');
    }
    lab.mustRun();
    const executors = [lab.executor(['sleep', '300'])];
    const id = await lab.create(lab.task('cancel-running', { executors }));
    const isRunning = (state: string): boolean => state === 'RUNNING' || isEnded(state);
    const running = await lab.until(id, 'the task to run', isRunning);
    assertThat(textAt(running.json, 'state') === 'RUNNING', 'it does not run', running);
    assertCancelled(lab, await lab.cancel(id), 'cancel');
    await assertGone(lab, id);
    return pass('its process cannot be seen from here');
  }),
  check(
    'T81',
    'I',
    'cancelling again, or what has ended, is 200 and changes nothing',
    async (lab) => {
      const id = lab.options.run
        ? textAt((await ranSample(lab)).json, 'id')
        : (await sample(lab)).id;
      if (!lab.options.run) await lab.cancel(id);
      const before = await lab.until(id, 'the task to end', isEnded);
      const again = await lab.cancel(id);
      const after = await getGood(lab, id);
      assertThat(isSame(after.json, before.json), 'an ended task is changed', after);
      return weigh(again, 200, 'cancelling what has ended');
    },
  ),
  check('T82', 'I', 'cancelling an unknown task is 404', async (lab) => {
    const answer = await lab.cancel(`${lab.prefix}unknown`);
    assertThat(answer.status >= 400, 'there is no such task', answer);
    return weigh(answer, 404, 'cancelling an unknown task');
  }),
  check(
    'T83',
    'K',
    '%3Acancel is :cancel',
    holds(async (lab) => {
      const id = await lab.create(lab.task('cancel-encoded'));
      assertCancelled(lab, await lab.send('POST', `/tasks/${id}%3Acancel`), '%3Acancel');
    }),
  ),
  check('T84', 'S', 'a task cancelled while it waits is never started', async (lab) => {
    for (let n = 0; n < TRIES; n += 1) {
      const answer = await cancelledAtOnce(lab);
      const wasStarted = at(answer.json, 'logs', 0, 'start_time') !== undefined;
      if (wasStarted && hasRun(answer)) continue; // the server was faster than the cancel
      const state = textAt(answer.json, 'state');
      assertThat(state === 'CANCELED', `ended as ${state}`, answer);
      assertThat(!hasRun(answer), 'an executor of a cancelled waiting task has run', answer);
      assertThat(!hasSent(answer), 'outputs of a cancelled waiting task were sent', answer);
      return pass();
    }
    throw new Skipped('tasks start sooner than they can be cancelled');
  }),
];
