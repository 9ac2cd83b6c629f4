/** How each input and output of a task reaches its place: a pure table of scheme and destination (DESIGN section 5). */
import { MagnetarError, type FieldProblem } from '../kernel/errors.ts';
import type { PlanInput, PlanOutput } from './plan.ts';
import type { TaskInput, TaskOutput, TaskSpec } from './spec.ts';
import { filePathsOf, outputPathOf, redactUrl, schemeOf } from './urls.ts';
import { hasWildcard } from './validation/patterns.ts';

/** What matters of a destination for moving data. */
export interface DataReach {
  /** It sees the same files under the same paths as this server. */
  readonly shared_filesystem: boolean;
}

type Method = 'mount' | 'direct';

/** The method, or why there is none. */
type Answer = { readonly method: Method } | { readonly problem: string };

const NOT_SHARED =
  'the destination shares no file system with this server; set shared_filesystem = true for it if it does';

const METHODS: Readonly<Partial<Record<string, (reach: DataReach) => Answer>>> = {
  http: () => ({ method: 'direct' }),
  https: () => ({ method: 'direct' }),
  file: (reach) => (reach.shared_filesystem ? { method: 'mount' } : { problem: NOT_SHARED }),
};

const methodFor = (url: string, reach: DataReach): Answer => {
  const scheme = schemeOf(url) ?? 'such';
  return METHODS[scheme]?.(reach) ?? { problem: `no way to move ${scheme} URLs` };
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
  const answer = methodFor(url, reach);
  if ('problem' in answer) {
    return { field: `inputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  return answer.method === 'mount'
    ? { ...base, method: 'mount', files: filePathsOf(url) }
    : { ...base, method: 'direct', url };
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
  const answer = methodFor(url, reach);
  if ('problem' in answer) {
    return { field: `outputs[${String(i)}].url`, message: `${redactUrl(url)}: ${answer.problem}` };
  }
  return answer.method === 'mount'
    ? { ...base, method: 'mount', file: outputPathOf(url) ?? '' }
    : { ...base, method: 'direct' };
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
