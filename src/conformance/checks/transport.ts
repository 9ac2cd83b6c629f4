/** T9-T12, T47: paths, methods, origins and the form of refusals. */
import { check, holds, lastly, type Check } from '../check.ts';
import { settled } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { isSame, recordOf, textAt } from '../json.ts';
import type { Lab } from '../lab.ts';
import {
  assertJson,
  assertStatus,
  assertThat,
  choice,
  pass,
  weigh,
  worst,
  type Verdict,
} from '../verdict.ts';

const PREFIXES = ['/ga4gh/tes/v1', '/v1', ''];

/** T9: the five operations under one prefix. */
const underPrefix = async (lab: Lab, prefix: string, id: string) => {
  const from = `${lab.options.root}${prefix}`;
  const body = JSON.stringify(lab.task(`prefix${prefix.replaceAll('/', '-')}`));
  const headers = { 'content-type': 'application/json' };
  const created = await lab.send('POST', '/tasks', { from, headers, body });
  assertStatus(created, 200, `create under ${prefix || '/'}`);
  const own = textAt(created.json, 'id');
  const cancelled = await lab.send('POST', `/tasks/${own}:cancel`, { from });
  assertStatus(cancelled, 200, `cancel under ${prefix || '/'}`);
  const key = `tag_key=prefix-${lab.options.runId}`;
  const paths = ['/service-info', `/tasks/${id}?view=FULL`, `/tasks?view=BASIC&${key}`];
  const answers: Answer[] = [];
  for (const path of paths) answers.push(await lab.send('GET', path, { from }));
  return answers;
};

const ORIGIN = 'https://conformance.invalid';

const preflight = (lab: Lab, origin: string): Promise<Answer> =>
  lab.send('OPTIONS', '/tasks', {
    headers: { origin, 'access-control-request-method': 'POST' },
  });

/** T11: `*` lets pages of any site in; the caller knows whether that is meant. */
const judgeForeign = (answer: Answer): Verdict => {
  const allowed = answer.headers['access-control-allow-origin'];
  const withCredentials = answer.headers['access-control-allow-credentials'] === 'true';
  assertThat(
    allowed === undefined || !withCredentials,
    'any web page may use the credentials of its visitor',
    answer,
  );
  return allowed === undefined ? pass() : choice('web pages of any origin are let in', answer);
};

const STACK = /\bat .*\.(ts|js|py|go|java|scala|cs):\d+|Traceback \(most recent call last\)/;

const shapeOf = ({ json }: Answer): string => Object.keys(recordOf(json)).toSorted().join(', ');

/** T47: refusals of every kind, so that there is something to compare even when no other check ran. */
const refuse = async (lab: Lab): Promise<void> => {
  await lab.post({});
  await lab.send('POST', '/tasks', {
    headers: { 'content-type': 'application/json' },
    body: '{',
  });
  await lab.get(`${lab.prefix}unknown`);
  await lab.send('GET', '/conformance-unknown-path');
};

export const TRANSPORT_CHECKS: readonly Check[] = [
  check(
    'T9',
    'K',
    'the five operations are the same under /ga4gh/tes/v1, /v1 and the root',
    holds(async (lab) => {
      const tags = { [`prefix-${lab.options.runId}`]: 'yes' };
      const id = await settled(lab, 'prefix', { tags });
      const [first, ...others] = [
        await underPrefix(lab, PREFIXES[0] ?? '', id),
        await underPrefix(lab, PREFIXES[1] ?? '', id),
        await underPrefix(lab, PREFIXES[2] ?? '', id),
      ];
      for (const answers of others) {
        for (const [index, answer] of answers.entries()) {
          assertStatus(answer, 200);
          assertThat(isSame(answer.json, first[index]?.json), 'differs between prefixes', answer);
        }
      }
    }),
  ),
  check(
    'T10',
    'K',
    'an unknown task is 404 JSON for a browser too',
    holds(async (lab) => {
      const { root: from } = lab.options;
      const answer = await lab.send('GET', '/tasks/none', {
        from,
        headers: { accept: 'text/html' },
      });
      assertStatus(answer, 404);
      assertJson(answer);
    }),
  ),
  check('T11', 'S', 'allowed origins get CORS headers, others none', async (lab) => {
    const { origin } = lab.options;
    const foreign = judgeForeign(await preflight(lab, ORIGIN));
    if (origin === undefined) {
      return foreign.result === 'pass'
        ? pass('an allowed origin was not tried (--origin)')
        : foreign;
    }
    const answer = await preflight(lab, origin);
    const allowed = answer.headers['access-control-allow-origin'] ?? '';
    assertThat([origin, '*'].includes(allowed), `${origin} is not let in`, answer);
    return foreign;
  }),
  check('T12', 'I', 'an unknown path is 404, another method 405 with Allow', async (lab) => {
    const unknown = await lab.send('GET', '/conformance-unknown-path');
    assertThat(unknown.status >= 400, 'an unknown path is answered as if it were known', unknown);
    const method = await lab.send('DELETE', '/tasks');
    assertThat(method.status >= 400, 'DELETE on the list is answered as if it were known', method);
    const verdict = worst([
      weigh(unknown, 404, 'an unknown path'),
      weigh(method, 405, 'DELETE on the list'),
    ]);
    const allow = method.headers['allow'] ?? '';
    return method.status === 405 && allow === '' ? choice('405 without Allow', method) : verdict;
  }),
  lastly(
    check('T47', 'I', 'all refusals are JSON of one shape, without stack traces', async (lab) => {
      await refuse(lab);
      const refusals = lab.watch.refusals.filter(({ request }) => request.method !== 'OPTIONS');
      for (const answer of refusals) assertThat(!STACK.test(answer.text), 'a stack trace', answer);
      const odd = refusals.find(({ json }) => shapeOf({ json } as Answer) === '');
      if (odd !== undefined) return choice('a refusal is not a JSON object', odd);
      const [first] = refusals;
      const other = refusals.find((one) => first !== undefined && shapeOf(one) !== shapeOf(first));
      return other === undefined
        ? pass(`${String(refusals.length)} refusals compared`)
        : choice(`refusals have different keys: ${shapeOf(other)}`, other);
    }),
  ),
];
