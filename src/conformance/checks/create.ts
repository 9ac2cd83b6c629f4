/** T13-T29: what a create must accept, and what of it must come back. */
import { createHash } from 'node:crypto';
import { check, holds, type Check } from '../check.ts';
import { assertComplete, getGood, storageUrl } from '../fixtures.ts';
import type { Answer } from '../http.ts';
import { at, isSame, listOf, recordOf, textAt, shown } from '../json.ts';
import type { Lab } from '../lab.ts';
import {
  assertJson,
  assertStatus,
  assertThat,
  choice,
  pass,
  Skipped,
  weigh,
  type Verdict,
} from '../verdict.ts';
import { isEnded } from '../watch.ts';

const PATH = '/tmp/conformance-in';

/** Creates a task and answers its FULL view. */
const stored = async (lab: Lab, name: string, more: object): Promise<Answer> =>
  getGood(lab, await lab.create(lab.task(name, { ...more })), 'FULL');

/** Fails unless each value comes back at its place as it was sent. */
const assertEcho = (answer: Answer, sent: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(sent)) {
    const found = at(answer.json, name);
    assertThat(isSame(found, value), `${name} came back as ${shown(found)}`, answer);
  }
};

const BYTES = 131_072;
const UNREACHABLE = 'https://conformance.invalid/nothing';

/** T21, T22: content of that many bytes is taken, kept and, where tasks may run, delivered. */
const assertContent = async (lab: Lab, name: string, content: string): Promise<Verdict> => {
  const inputs = [{ content, path: PATH, type: 'FILE' }];
  const executors = [lab.executor(['sha256sum', PATH])];
  const id = await lab.create(lab.task(name, { inputs, executors }));
  const back = at((await getGood(lab, id, 'FULL')).json, 'inputs', 0, 'content');
  assertThat(back === content, 'the content is not the same in FULL');
  if (!lab.options.run) return pass('bytes in the container were not compared (--no-run)');
  await lab.until(id, 'the end of the task', isEnded);
  const answer = await lab.get(id, 'FULL');
  assertComplete(answer);
  const digest = createHash('sha256').update(content).digest('hex');
  const printed = textAt(answer.json, 'logs', 0, 'logs', 0, 'stdout');
  assertThat(printed.startsWith(digest), 'other bytes in the container', answer);
  return pass();
};

const RESOURCES = { cpu_cores: 2, ram_gb: 0.5, disk_gb: 1.5, preemptible: false, zones: ['a'] };

const READ_ONLY = {
  id: 'sent-id',
  state: 'COMPLETE',
  logs: [{ logs: [{ exit_code: 7 }], outputs: [], system_logs: ['sent'] }],
  creation_time: '2001-01-01T00:00:00Z',
};

const UNKNOWN_KEY = 'conformance_unknown';

const assertReadOnlyIgnored = ({ json }: Answer): void => {
  assertThat(textAt(json, 'id') !== READ_ONLY.id, 'the id of the client is taken');
  assertThat(textAt(json, 'creation_time') !== READ_ONLY.creation_time, 'creation_time is taken');
  const sent = at(json, 'logs', 0, 'logs', 0, 'exit_code') === 7;
  assertThat(!sent, 'the logs of the client are taken');
};

/** T17: the warning may come with the run. */
const warned = async (lab: Lab, id: string): Promise<Verdict> => {
  const has = ({ json }: Answer): boolean =>
    listOf(at(json, 'logs')).some((log) => listOf(at(log, 'system_logs')).length > 0);
  if (has(await lab.get(id, 'FULL'))) return pass();
  if (!lab.options.run) return pass('no warning yet; the task was not waited for (--no-run)');
  await lab.until(id, 'the end of the task', isEnded);
  assertThat(has(await lab.get(id, 'FULL')), 'no warning in system_logs');
  return pass();
};

const swapCase = (text: string): string =>
  text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase();

const FIELDS: readonly Check[] = [
  check(
    'T13',
    'S',
    'create answers 200 and exactly an id',
    holds(async (lab) => {
      const answer = await lab.post(lab.task('create'));
      assertStatus(answer, 200);
      assertJson(answer);
      assertThat(/^[A-Za-z0-9._-]+$/.test(textAt(answer.json, 'id')), 'no usable id');
      assertThat(Object.keys(recordOf(answer.json)).length === 1, 'more keys than id');
    }),
  ),
  check(
    'T14',
    'S',
    'the same body twice makes two tasks',
    holds(async (lab) => {
      const body = lab.task('twice');
      assertThat((await lab.create(body)) !== (await lab.create(body)), 'one id for both');
    }),
  ),
  check('T15', 'S', 'inputs and outputs without type are accepted', async (lab) => {
    const inputs = [{ content: 'x', path: PATH }];
    await lab.create(lab.task('input-without-type', { inputs }));
    const outputs = [{ url: await storageUrl(lab, 'none'), path: '/tmp/conformance-none' }];
    await lab.create(
      lab.task('output-without-type', { outputs, executors: [lab.executor(['false'])] }),
    );
    return pass();
  }),
  check(
    'T16',
    'C',
    'streamable comes back',
    holds(async (lab) => {
      const inputs = [{ content: 'x', path: PATH, type: 'FILE', streamable: true }];
      const answer = await stored(lab, 'streamable', { inputs });
      assertThat(at(answer.json, 'inputs', 0, 'streamable') === true, 'streamable is lost');
    }),
  ),
  check('T17', 'S', 'unknown backend parameters are dropped with a warning', async (lab) => {
    const resources = { backend_parameters: { [UNKNOWN_KEY]: 'x' } };
    const id = await lab.create(lab.task('parameters', { resources }));
    const answer = await getGood(lab, id, 'FULL');
    const kept = at(answer.json, 'resources', 'backend_parameters', UNKNOWN_KEY);
    assertThat(kept === undefined, 'the unknown key is kept', answer);
    return warned(lab, id);
  }),
  check('T18', 'S', 'the case of a supported backend parameter does not matter', async (lab) => {
    const info = await lab.send('GET', '/service-info');
    const key = textAt(info.json, 'tesResources_backend_parameters', 0);
    if (key === '') throw new Skipped('the server lists no backend parameter');
    const resources = { backend_parameters: { [swapCase(key)]: 'conformance' } };
    const created = await lab.post(lab.task('parameter-case', { resources }));
    if (created.status !== 200) return weigh(created, 200, `the value "conformance" for ${key}`);
    const answer = await getGood(lab, textAt(created.json, 'id'), 'FULL');
    const kept = Object.keys(recordOf(at(answer.json, 'resources', 'backend_parameters')));
    const found = kept.some((name) => name.toLowerCase() === key.toLowerCase());
    assertThat(found, `${swapCase(key)} is not taken as ${key}`, answer);
    return pass();
  }),
  check(
    'T19',
    'S',
    'an unknown field is accepted and not kept',
    holds(async (lab) => {
      const answer = await stored(lab, 'unknown-field', { foo: 1 });
      assertThat(at(answer.json, 'foo') === undefined, 'foo comes back');
    }),
  ),
  check(
    'T20',
    'S',
    'read-only fields of a body are ignored',
    holds(async (lab) => {
      assertReadOnlyIgnored(await stored(lab, 'read-only', READ_ONLY));
    }),
  ),
];

const CONTENT: readonly Check[] = [
  check('T21', 'S', 'content of 131072 bytes arrives unchanged', (lab) =>
    assertContent(lab, 'content', 'conformance!\tab\n'.repeat(BYTES / 16)),
  ),
  check('T22', 'S', 'content of 131072 bytes in two-byte characters is accepted', (lab) =>
    assertContent(lab, 'utf8-content', 'ü'.repeat(BYTES / 2)),
  ),
  check('T23', 'S', 'content wins over a URL', async (lab) => {
    const inputs = [{ url: UNREACHABLE, content: 'the content', path: PATH }];
    const body = lab.task('content-and-url', { inputs, executors: [lab.executor(['cat', PATH])] });
    if (!lab.options.run) {
      await lab.create(body);
      return pass('what the task reads was not looked at (--no-run)');
    }
    const answer = await lab.ran(body);
    assertComplete(answer);
    assertThat(textAt(answer.json, 'logs', 0, 'logs', 0, 'stdout') === 'the content', 'not read');
    return pass();
  }),
  check('T24', 'I', 'empty content without URL is an empty file', async (lab) => {
    const inputs = [{ content: '', path: PATH }];
    const script = `test -f ${PATH} && test ! -s ${PATH}`;
    const body = lab.task('empty-content', {
      inputs,
      executors: [lab.executor(['sh', '-c', script])],
    });
    const created = await lab.post(body);
    if (created.status !== 200) return weigh(created, 200, 'empty content');
    if (!lab.options.run) return pass('the file was not looked at (--no-run)');
    const id = textAt(created.json, 'id');
    const end = await lab.until(id, 'the end of the task', isEnded);
    return textAt(end.json, 'state') === 'COMPLETE' ? pass() : choice('no empty file appears', end);
  }),
];

const VALUES: readonly Check[] = [
  check(
    'T25',
    'S',
    'resources come back as they were sent',
    holds(async (lab) => {
      const answer = await stored(lab, 'resources', { resources: RESOURCES });
      for (const [name, value] of Object.entries(RESOURCES)) {
        const found = at(answer.json, 'resources', name);
        assertThat(isSame(found, value), `${name} came back as ${shown(found)}`);
      }
    }),
  ),
  check('T26', 'I', 'half a core is accepted or 400', async (lab) => {
    const answer = await lab.post(lab.task('half-a-core', { resources: { cpu_cores: 0.5 } }));
    return weigh(answer, 200, 'cpu_cores 0.5');
  }),
  check(
    'T27',
    'S',
    'Unicode and empty tag values come back exactly',
    holds(async (lab) => {
      const sent = {
        name: `${lab.prefix}Ünï-名前-🚀 "quoted" \\ line\nbreak`,
        description: 'Beschreibung ✓ 𝄞',
      };
      const tags = { a: '', b: 'x', 'schlüssel 🗝': 'wert & = + %20' };
      const answer = await stored(lab, 'unicode', { ...sent, tags });
      assertEcho(answer, sent);
      for (const [key, value] of Object.entries(tags)) {
        assertThat(at(answer.json, 'tags', key) === value, `tag ${key} is changed`);
      }
    }),
  ),
  check(
    'T28',
    'K',
    'null counts as absent',
    holds(async (lab) => {
      for (const name of ['tags', 'inputs', 'resources', 'outputs', 'volumes', 'description']) {
        const answer = await lab.post(lab.task('null', { [name]: null }));
        assertStatus(answer, 200, `${name}: null`);
      }
    }),
  ),
  check('T29', 'I', 'a charset is accepted; without a type 200 or 415', async (lab) => {
    const body = JSON.stringify(lab.task('types'));
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const charset = await lab.send('POST', '/tasks', { headers, body });
    const verdict = weigh(charset, 200, 'a charset');
    if (verdict.result !== 'pass') return verdict;
    const none = await lab.send('POST', '/tasks', { body });
    assertThat(none.status < 500, 'no content type is a fault of the server', none);
    return [200, 415].includes(none.status)
      ? pass(`without a content type: ${String(none.status)}`)
      : choice(`without a content type: ${String(none.status)}`, none);
  }),
];

export const CREATE_CHECKS: readonly Check[] = [...FIELDS, ...CONTENT, ...VALUES];
