/** Tasks that several checks look at; each is made once in a run. */
import type { Answer } from './http.ts';
import { at, textAt } from './json.ts';
import { idsIn, type Lab, type Query } from './lab.ts';
import type { Shape } from './schemas.ts';
import { assertStatus, assertThat, Failure, Skipped } from './verdict.ts';
import { isEnded } from './watch.ts';

/** Where an output may be sent to, by the word of the operator or of the server; a task that must not write gives none. */
export const storageUrl = async (lab: Lab, name: string): Promise<string> => {
  const root =
    lab.options.storage ??
    (await lab.once('storage', async () => {
      const { json } = await lab.send('GET', '/service-info');
      return textAt(json, 'storage', 0);
    }));
  if (root === '') throw new Skipped('the server names no storage; give one by --storage');
  return `${root.replace(/\/+$/, '')}/${lab.prefix}${name}`;
};

export const assertShape = (lab: Lab, answer: Answer, shape: Shape, strict = false): void => {
  const breach = lab.options.judge.breach(answer.json, shape, strict);
  assertThat(breach === undefined, `breaks the document: ${breach ?? ''}`, answer);
};

/** The answer about a task in a view, which must be good. */
export const getGood = async (lab: Lab, id: string, view?: 'BASIC' | 'FULL'): Promise<Answer> => {
  const answer = await lab.get(id, view);
  assertStatus(answer, 200);
  return answer;
};

export interface Sample {
  readonly id: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Whether it has run to its end. */
  readonly ran: boolean;
}

export const SAMPLE_TEXT = 'magnetar conformance\n';

const SCRIPT = 'cat; echo to-stderr >&2; echo out > /tmp/conformance-out';

const sampleBody = async (lab: Lab) => {
  const { storage } = lab.options;
  const url = storage === undefined ? undefined : await storageUrl(lab, 'output');
  return lab.task('sample', {
    description: 'one of each field',
    inputs: [{ name: 'in', content: SAMPLE_TEXT, path: '/tmp/conformance-in', type: 'FILE' }],
    ...(url === undefined
      ? {}
      : { outputs: [{ url, path: '/tmp/conformance-out', type: 'FILE' }] }),
    resources: { cpu_cores: 1, ram_gb: 0.25 },
    executors: [
      lab.executor(['sh', '-c', SCRIPT], {
        workdir: '/tmp',
        env: { CONFORMANCE: 'a b' },
        stdin: '/tmp/conformance-in',
        stdout: '/tmp/conformance-stdout',
        stderr: '/tmp/conformance-stderr',
      }),
    ],
    volumes: ['/tmp/conformance-volume'],
    tags: { kind: 'sample' },
  });
};

/** A task with one of each field, at its end where tasks may run. */
export const sample = (lab: Lab): Promise<Sample> =>
  lab.once('sample', async () => {
    const body = await sampleBody(lab);
    const id = await lab.create(body);
    if (lab.options.run) await lab.until(id, 'the end of the sample task', isEnded);
    return { id, body, ran: lab.options.run };
  });

/** The FULL view of the sample, which must have ended well. */
export const ranSample = async (lab: Lab): Promise<Answer> => {
  lab.mustRun();
  const answer = await getGood(lab, (await sample(lab)).id, 'FULL');
  assertComplete(answer);
  return answer;
};

/** A run of a check's own must have ended well; else its system log is the evidence. */
export const assertComplete = (answer: Answer): void => {
  const state = textAt(answer.json, 'state');
  const why = at(answer.json, 'logs', 0, 'system_logs');
  assertThat(state === 'COMPLETE', `ended as ${state}: ${JSON.stringify(why ?? [])}`, answer);
};

/** A task that was cancelled, in the state it came to. */
export const settled = async (lab: Lab, name: string, more = {}): Promise<string> => {
  const id = await lab.create(lab.task(name, more));
  assertStatus(await lab.cancel(id), 200, 'cancel');
  await lab.until(id, 'a cancelled task to end', isEnded);
  return id;
};

/** Tags of the family, by member; the keys are told apart from those of other runs by `key`. */
const TAGS: readonly Readonly<Record<string, string>>[] = [
  { a: '1' },
  { a: '1', b: '2' },
  { a: '1', b: '3', c: '4' },
  { a: '' },
  {},
];

export const FAMILY_SIZE = TAGS.length;

export interface Family {
  /** Oldest first. */
  readonly ids: readonly string[];
  /** The name of a tag in this run. */
  key(letter: string): string;
  /** Matches the members and nothing else. */
  readonly filter: Query;
}

/** Settled tasks with known tags, for lists. */
export const family = (lab: Lab): Promise<Family> =>
  lab.once('family', async () => {
    const key = (letter: string): string => `${letter}-${lab.options.runId}`;
    const ids: string[] = [];
    for (const [index, tags] of TAGS.entries()) {
      const own = Object.entries(tags).map(([letter, value]) => [key(letter), value]);
      const all = { ...Object.fromEntries(own), [key('family')]: 'yes' } as Record<string, string>;
      ids.push(await settled(lab, `family-${String(index)}`, { tags: all }));
    }
    return {
      ids,
      key,
      filter: [
        ['tag_key', key('family')],
        ['tag_value', 'yes'],
      ],
    };
  });

/** Pages beyond this are a server that goes round in circles. */
const MOST_PAGES = 50;

export interface Walk {
  readonly ids: readonly string[];
  readonly pages: readonly Answer[];
}

/** Follows the tokens of a list to its end. */
export const walkPages = async (
  lab: Lab,
  query: Query,
  between?: () => Promise<void>,
): Promise<Walk> => {
  const pages: Answer[] = [];
  for (let token = ''; ;) {
    const answer = await lab.list(token === '' ? query : [...query, ['page_token', token]]);
    assertStatus(answer, 200, 'list');
    pages.push(answer);
    token = textAt(answer.json, 'next_page_token');
    if (token === '') return { ids: pages.flatMap(idsIn), pages };
    if (pages.length > MOST_PAGES) throw new Failure('the pages have no end', answer);
    await between?.();
  }
};
