/** How each input and output of a task reaches its place: a pure table of scheme and destination (DESIGN section 5). */
import { isMagnetarError, MagnetarError, type FieldProblem } from '../kernel/errors.ts';
import type { Caller } from './grants.ts';
import type { FileUse } from './ports/file-access.ts';
import type { SchemeRules, UrlFacts, UrlRules, UrlUse } from './ports/url-rules.ts';
import type { PlanInput, PlanOutput } from './plan.ts';
import type { TaskInput, TaskOutput, TaskSpec } from './spec.ts';
import { filePathsOf, outputPathOf, redactUrl, safeUrl, schemeOf } from './urls.ts';
import { hasWildcard } from './validation/patterns.ts';

/** What matters of a destination for moving data. */
export interface DataReach {
  /** It sees the same files under the same paths as this server. */
  readonly shared_filesystem: boolean;
  /** Schemes over which its jobs may move data themselves. */
  readonly direct: readonly string[];
  /** Its jobs can reach this server. */
  readonly server: boolean;
  /** Its Pulsar takes files for jobs and hands out what they leave. */
  readonly push: boolean;
}

type Method = 'mount' | 'direct' | 'relay' | 'push';

/** What is to be moved. */
interface Transfer {
  readonly url: string;
  readonly scheme: string;
  readonly use: FileUse;
  /** A folder that is to be listed. */
  readonly isTree: boolean;
  readonly needsSecret: boolean;
}

interface Way {
  readonly method: Method;
  /** Why it does not do, and what to configure; undefined = it does. */
  readonly missing: (transfer: Transfer, reach: DataReach) => string | undefined;
}

const MOUNT: Way = {
  method: 'mount',
  missing: (_, { shared_filesystem }) =>
    shared_filesystem
      ? undefined
      : 'the destination shares no file system with this server; set shared_filesystem = true for it if it does',
};

/** First what nobody can configure away. */
const DIRECT: Way = {
  method: 'direct',
  missing({ scheme, use, isTree, needsSecret }, { direct }) {
    if (isTree) return `jobs fetch no folders over ${scheme} themselves`;
    if (needsSecret) return 'jobs do not get the credentials that it takes';
    if (scheme === 'ftp' && use === 'write') return 'jobs store nothing over ftp themselves';
    if (direct.includes(scheme)) return undefined;
    return `jobs there may not use ${scheme} themselves; add it to "direct" of the destination if they may`;
  },
};

const RELAY: Way = {
  method: 'relay',
  missing: (_, { server }) =>
    server ? undefined : 'jobs there cannot reach this server; set public_url under [server]',
};

/** For jobs that can reach nobody: where they reach this server, they move their data when they want it. */
const PUSH: Way = {
  method: 'push',
  missing: (_, { push, server }) =>
    push && !server ? undefined : 'its Pulsar takes no files from this server',
};

/** By scheme: the cheapest way first. */
const WAYS: Readonly<Partial<Record<string, readonly Way[]>>> = {
  http: [DIRECT, RELAY, PUSH],
  https: [DIRECT, RELAY, PUSH],
  file: [MOUNT, RELAY, PUSH],
  ftp: [DIRECT, RELAY, PUSH],
  ftps: [RELAY, PUSH],
  s3: [RELAY, PUSH],
};

/** Schemes in `direct` of a destination that mean something; `s3`: through links that the server gives out. */
export const DIRECT_SCHEMES = ['http', 'https', 'ftp', 's3'] as const;

/** The method, or why there is none. */
type Answer =
  | {
      readonly method: Method;
      readonly upload: UrlFacts['upload'];
      /** Why no cheaper one; empty = it is the cheapest. */
      readonly why: string;
    }
  | { readonly problem: string };

const NO_FACTS: UrlFacts = { needsSecret: false, upload: 'put' };

/** What a URL may be used for may have changed since its task was created. */
const factsOf = (
  url: string,
  use: UrlUse,
  rules: UrlRules | undefined,
): UrlFacts | { problem: string } => {
  try {
    return rules?.judge(url, use) ?? NO_FACTS;
  } catch (error) {
    if (isMagnetarError(error)) return { problem: error.message };
    throw error;
  }
};

const methodFor = (
  { url, use, isTree }: Pick<Transfer, 'url' | 'use' | 'isTree'>,
  { reach, schemes, caller }: PlanSetting,
): Answer => {
  const scheme = schemeOf(url) ?? 'such';
  const facts = factsOf(
    url,
    { use, caller },
    Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined,
  );
  if ('problem' in facts) return facts;
  const transfer = { url, scheme, use, isTree, needsSecret: facts.needsSecret };
  const ways = Object.hasOwn(WAYS, scheme) ? (WAYS[scheme] ?? []) : [];
  const tried = ways.map(({ method, missing }) => ({ method, why: missing(transfer, reach) }));
  const at = tried.findIndex(({ why }) => why === undefined);
  const why = (at === -1 ? tried : tried.slice(0, at)).map((one) => one.why).join(', and ');
  const found = tried[at];
  if (found !== undefined) return { method: found.method, upload: facts.upload, why };
  return { problem: why === '' ? `no way to move ${scheme} URLs` : why };
};

/** Where the data is moved to and from, for whom, and what is known of URLs. */
export interface PlanSetting {
  readonly reach: DataReach;
  readonly schemes: SchemeRules;
  readonly caller: Caller;
}

const whyOf = ({ why }: { readonly why: string }) => (why === '' ? {} : { why });

interface Planned<Item> {
  readonly items: readonly Item[];
  readonly problems: readonly FieldProblem[];
}

const planInput = (
  input: TaskInput,
  i: number,
  contents: ReadonlyMap<number, string>,
  setting: PlanSetting,
): PlanInput | FieldProblem => {
  const base = { i, path: input.path, type: input.type ?? 'FILE' } as const;
  if (input.content_bytes !== undefined) {
    return { ...base, method: 'content', content: contents.get(i) ?? '' };
  }
  const url = input.url ?? '';
  const answer = methodFor({ url, use: 'read', isTree: base.type === 'DIRECTORY' }, setting);
  if ('problem' in answer) {
    return { field: `inputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  switch (answer.method) {
    case 'mount':
      return { ...base, method: 'mount', files: filePathsOf(url) };
    case 'direct':
      return { ...base, method: 'direct', url };
    case 'relay':
    case 'push':
      return { ...base, method: answer.method, ...whyOf(answer) };
  }
};

const planOutput = (
  output: TaskOutput,
  i: number,
  setting: PlanSetting,
): PlanOutput | FieldProblem => {
  const { path, path_prefix, url } = output;
  const base = {
    i,
    path,
    url,
    type: output.type ?? 'FILE',
    ...(path_prefix === undefined || !hasWildcard(path) ? {} : { path_prefix }), // T40
  } as const;
  const answer = methodFor({ url, use: 'write', isTree: false }, setting);
  if ('problem' in answer) {
    return { field: `outputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  switch (answer.method) {
    case 'mount':
      return { ...base, method: 'mount', file: outputPathOf(url) ?? '' };
    case 'direct':
      return { ...base, method: 'direct', ...(answer.upload === 'post' ? { upload: 'post' } : {}) };
    case 'relay':
    case 'push':
      return { ...base, method: answer.method, url: safeUrl(url), ...whyOf(answer) };
  }
};

const split = <Item extends object>(answers: readonly (Item | FieldProblem)[]): Planned<Item> => ({
  items: answers.filter((answer): answer is Item => !('field' in answer)),
  problems: answers.filter((answer): answer is FieldProblem => 'field' in answer),
});

/** Transfers of a task for one destination; throws NO_METHOD naming every URL that nothing fits. */
export const planTransfers = (
  spec: TaskSpec,
  contents: ReadonlyMap<number, string>,
  setting: PlanSetting,
): { readonly inputs: readonly PlanInput[]; readonly outputs: readonly PlanOutput[] } => {
  const inputs = split(
    (spec.inputs ?? []).map((input, i) => planInput(input, i, contents, setting)),
  );
  const outputs = split((spec.outputs ?? []).map((output, i) => planOutput(output, i, setting)));
  const details = [...inputs.problems, ...outputs.problems];
  if (details.length > 0) {
    throw new MagnetarError('NO_METHOD', details.map(({ message }) => message).join('; '), {
      details,
    });
  }
  return { inputs: inputs.items, outputs: outputs.items };
};
