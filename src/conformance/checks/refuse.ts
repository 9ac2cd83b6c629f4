/** T30-T46: bodies that a create must refuse with 400, as a table. */
import { check, holds, type Check } from '../check.ts';
import { storageUrl } from '../fixtures.ts';
import { NoAnswer, type Answer } from '../http.ts';
import { idsIn, type Lab } from '../lab.ts';
import { assertStatus, assertThat, choice, pass, Skipped, weigh, worst } from '../verdict.ts';

type Bodies = Readonly<Record<string, object>>;

/** `url` may be written to: the body is refused for another reason. */
type Spoil = (lab: Lab, url: string) => Bodies;

type Row = readonly [id: string, mark: 'S' | 'I', title: string, spoil: Spoil];

const executor = (lab: Lab, more: object) => ({
  executors: [{ ...lab.executor(['true']), ...more }],
});

const input = (more: object) => ({
  inputs: [{ content: 'x', path: '/tmp/conformance-in', ...more }],
});

const output = (url: string, more: object) => ({
  outputs: [{ url, path: '/tmp/conformance-out', ...more }],
});

const ROWS: readonly Row[] = [
  ['T31', 'S', 'no executors', () => ({ absent: { executors: undefined } })],
  ['T32', 'S', 'an empty list of executors', () => ({ empty: { executors: [] } })],
  [
    'T33',
    'S',
    'an executor without image',
    (lab) => ({
      absent: executor(lab, { image: undefined }),
      empty: executor(lab, { image: '' }),
    }),
  ],
  [
    'T34',
    'S',
    'an executor without command',
    (lab) => ({
      absent: executor(lab, { command: undefined }),
      empty: executor(lab, { command: [] }),
    }),
  ],
  ['T35', 'S', 'a number in a command', (lab) => ({ number: executor(lab, { command: [1] }) })],
  [
    'T36',
    'S',
    'an input without absolute path or source',
    () => ({
      'no path': input({ path: undefined }),
      'a relative path': input({ path: 'conformance-in' }),
      'neither url nor content': input({ content: undefined }),
    }),
  ],
  [
    'T37',
    'S',
    'an output without absolute path or URL',
    (_lab, url) => ({
      'no url': output(url, { url: undefined }),
      'no path': output(url, { path: undefined }),
      'a relative path': output(url, { path: 'conformance-out' }),
    }),
  ],
  [
    'T38',
    'S',
    'relative stdin, stdout, stderr, volumes',
    (lab) => ({
      stdin: executor(lab, { stdin: 'in' }),
      stdout: executor(lab, { stdout: 'out' }),
      stderr: executor(lab, { stderr: 'err' }),
      volume: { volumes: ['volume'] },
    }),
  ],
  ['T39', 'S', 'an unknown type', () => ({ LINK: input({ type: 'LINK' }) })],
  [
    'T41',
    'I',
    'a path_prefix that does not start the pattern',
    (_lab, url) => ({ other: output(url, { path: '/tmp/a/*', path_prefix: '/tmp/b' }) }),
  ],
  [
    'T42',
    'S',
    'values of env and tags that are no text',
    (lab) => ({ env: executor(lab, { env: { A: 1 } }), tags: { tags: { A: 1 } } }),
  ],
  [
    'T45',
    'I',
    'paths with .. or NUL',
    () => ({
      '..': input({ path: '/tmp/../conformance-in' }),
      NUL: input({ path: '/tmp/conformance\0' }),
    }),
  ],
  [
    'T46',
    'I',
    'a URL with an unsupported scheme',
    () => ({ scheme: input({ content: undefined, url: 'conformance-none://host/x' }) }),
  ],
];

/** T37, T41: without a known storage the URL is one of the most usual kind. */
const someUrl = (lab: Lab): Promise<string> =>
  storageUrl(lab, 'refused').catch((error: unknown) => {
    if (error instanceof Skipped) return 'https://conformance.invalid/refused';
    throw error;
  });

const refusals = async (lab: Lab, name: string, bodies: Bodies) => {
  const answers: (readonly [label: string, answer: Answer])[] = [];
  for (const [label, spoil] of Object.entries(bodies)) {
    answers.push([label, await lab.post(lab.task(name, { ...spoil }))]);
  }
  return answers;
};

const rowCheck = ([id, mark, title, spoil]: Row): Check =>
  check(id, mark, `400 for ${title}`, async (lab) => {
    const answers = await refusals(lab, `refuse-${id}`, spoil(lab, await someUrl(lab)));
    if (mark === 'I') return worst(answers.map(([label, answer]) => weigh(answer, 400, label)));
    for (const [label, answer] of answers) assertStatus(answer, 400, label);
    return pass();
  });

const RAW: Readonly<Record<string, string>> = {
  'malformed JSON': '{"executors":',
  'a JSON list': '[]',
  'an empty body': '',
};

/** Larger than any limit of a body that is usual. */
const HUGE_BYTES = 17 * 1024 * 1024;
const LONG_BYTES = 4 * 1024 * 1024;

/** Some proxies close the connection instead of an answer. */
const postHuge = (lab: Lab): Promise<Answer | undefined> =>
  lab
    .post(lab.task('refuse-T44', { executors: [], padding: 'x'.repeat(HUGE_BYTES) }))
    .catch((error: unknown) => {
      if (error instanceof NoAnswer) return undefined;
      throw error;
    });

const OTHERS: readonly Check[] = [
  check(
    'T30',
    'S',
    '400 for unknown backend parameters when strict, and no task',
    holds(async (lab) => {
      const resources = {
        backend_parameters: { conformance_unknown: 'x' },
        backend_parameters_strict: true,
      };
      const body = lab.task('refuse-T30', { resources });
      const answer = await lab.post(body);
      assertStatus(answer, 400);
      const list = await lab.list([['name_prefix', `${lab.prefix}refuse-T30`]]);
      assertThat(idsIn(list).length === 0, 'the refused task is stored', list);
    }),
  ),
  check(
    'T40',
    'S',
    '400 for wildcards without path_prefix; a needless prefix is fine',
    async (lab) => {
      const url = await storageUrl(lab, 'pattern');
      const spoiled = lab.task('refuse-T40', output(url, { path: '/tmp/conformance/*' }));
      assertStatus(await lab.post(spoiled), 400, 'wildcard without prefix');
      const executors = [lab.executor(['false'])];
      const good = { ...output(url, { path_prefix: '/tmp' }), executors };
      assertStatus(await lab.post(lab.task('prefix', good)), 200, 'prefix without wildcard');
      return pass();
    },
  ),
  check(
    'T43',
    'S',
    '400 for malformed JSON, a list, an empty body',
    holds(async (lab) => {
      const headers = { 'content-type': 'application/json' };
      for (const [label, body] of Object.entries(RAW)) {
        assertStatus(await lab.send('POST', '/tasks', { headers, body }), 400, label);
      }
    }),
  ),
  check('T44', 'I', '413 for a body above the limit, 400 for long content', async (lab) => {
    // Broken in another way too, so that no server keeps it.
    const huge = await postHuge(lab);
    if (huge === undefined) return choice('the connection is closed on a body of 17 MiB');
    if (huge.status < 400) return choice('17 MiB without executors are accepted', huge);
    const long = await lab.post(
      lab.task('refuse-T44-content', input({ content: 'x'.repeat(LONG_BYTES) })),
    );
    const isLimited = [400, 413].includes(long.status);
    return worst([
      weigh(huge, 413, 'a body of 17 MiB'),
      isLimited ? pass() : weigh(long, 400, 'content of 4 MiB'),
    ]);
  }),
];

export const REFUSE_CHECKS: readonly Check[] = [...ROWS.map(rowCheck), ...OTHERS];
