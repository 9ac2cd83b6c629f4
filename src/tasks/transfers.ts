/** How each input and output of a task reaches its place: a pure table of scheme and destination (DESIGN section 5). */
import { MagnetarError, type FieldProblem } from '../kernel/errors.ts';
import type { PlanInput, PlanOutput } from './plan.ts';
import type { TaskInput, TaskOutput, TaskSpec } from './spec.ts';
import { filePathsOf, outputPathOf, redactUrl, schemeOf, withoutUserInfo } from './urls.ts';
import { hasWildcard } from './validation/patterns.ts';

/** What matters of a destination for moving data. */
export interface DataReach {
  /** It sees the same files under the same paths as this server. */
  readonly shared_filesystem: boolean;
  /** Its jobs can reach this server. */
  readonly server: boolean;
}

type Method = 'mount' | 'direct' | 'relay';

/** What is to be moved. */
interface Transfer {
  readonly url: string;
  /** A folder that is to be listed. */
  readonly isTree: boolean;
}

interface Way {
  readonly method: Method;
  fits(transfer: Transfer, reach: DataReach): boolean;
  /** What is missing where it does not fit, and what to configure. */
  readonly missing: string;
}

const MOUNT: Way = {
  method: 'mount',
  fits: (_, reach) => reach.shared_filesystem,
  missing:
    'the destination shares no file system with this server; set shared_filesystem = true for it if it does',
};

const DIRECT: Way = {
  method: 'direct',
  fits: ({ isTree }) => !isTree,
  missing: 'jobs fetch no folders over http themselves',
};

const RELAY: Way = {
  method: 'relay',
  fits: (_, reach) => reach.server,
  missing: 'jobs there cannot reach this server; set public_url under [server]',
};

/** By scheme: the cheapest way first. */
const WAYS: Readonly<Partial<Record<string, readonly Way[]>>> = {
  http: [DIRECT, RELAY],
  https: [DIRECT, RELAY],
  file: [MOUNT, RELAY],
  ftp: [RELAY],
  ftps: [RELAY],
  s3: [RELAY],
};

/** The method, or why there is none. */
type Answer = { readonly method: Method } | { readonly problem: string };

const methodFor = (transfer: Transfer, reach: DataReach): Answer => {
  const scheme = schemeOf(transfer.url) ?? 'such';
  const ways = Object.hasOwn(WAYS, scheme) ? (WAYS[scheme] ?? []) : [];
  const way = ways.find((one) => one.fits(transfer, reach));
  if (way !== undefined) return { method: way.method };
  const missing = ways.map((one) => one.missing).join(', and ');
  return { problem: missing === '' ? `no way to move ${scheme} URLs` : missing };
};

interface Planned<Item> {
  readonly items: readonly Item[];
  readonly problems: readonly FieldProblem[];
}

const planInput = (
  input: TaskInput,
  i: number,
  contents: ReadonlyMap<number, string>,
  reach: DataReach,
): PlanInput | FieldProblem => {
  const base = { i, path: input.path, type: input.type ?? 'FILE' } as const;
  if (input.content_bytes !== undefined) {
    return { ...base, method: 'content', content: contents.get(i) ?? '' };
  }
  const url = input.url ?? '';
  const answer = methodFor({ url, isTree: base.type === 'DIRECTORY' }, reach);
  if ('problem' in answer) {
    return { field: `inputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  switch (answer.method) {
    case 'mount':
      return { ...base, method: 'mount', files: filePathsOf(url) };
    case 'direct':
      return { ...base, method: 'direct', url };
    case 'relay':
      return { ...base, method: 'relay' };
  }
};

const planOutput = (output: TaskOutput, i: number, reach: DataReach): PlanOutput | FieldProblem => {
  const { path, path_prefix, url } = output;
  const base = {
    i,
    path,
    url,
    type: output.type ?? 'FILE',
    ...(path_prefix === undefined || !hasWildcard(path) ? {} : { path_prefix }), // T40
  } as const;
  const answer = methodFor({ url, isTree: false }, reach);
  if ('problem' in answer) {
    return { field: `outputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  switch (answer.method) {
    case 'mount':
      return { ...base, method: 'mount', file: outputPathOf(url) ?? '' };
    case 'direct':
      return { ...base, method: 'direct' };
    case 'relay':
      return { ...base, method: 'relay', url: withoutUserInfo(url) };
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
  reach: DataReach,
): { readonly inputs: readonly PlanInput[]; readonly outputs: readonly PlanOutput[] } => {
  const inputs = split((spec.inputs ?? []).map((input, i) => planInput(input, i, contents, reach)));
  const outputs = split((spec.outputs ?? []).map((output, i) => planOutput(output, i, reach)));
  const details = [...inputs.problems, ...outputs.problems];
  if (details.length > 0) {
    throw new MagnetarError('NO_METHOD', details.map(({ message }) => message).join('; '), {
      details,
    });
  }
  return { inputs: inputs.items, outputs: outputs.items };
};
