/** From the body of a create request to a task that may be stored; every problem of the body is told at once. */
import { TASK_SHAPE } from '../../generated/task-shape.ts';
import type { components } from '../../generated/tes.ts';
import { MagnetarError, type FieldProblem } from '../../kernel/errors.ts';
import { isRecord, type JsonRecord } from '../../kernel/json.ts';
import type { TaskInput, TaskSpec } from '../spec.ts';
import { LIMITS } from './limits.ts';
import { normalise, sizeOf } from './normalise.ts';
import { relationProblems } from './relations.ts';
import { takeSecrets, type Secrets } from './secrets.ts';
import { listOf } from './shape.ts';
import { atMost, bytesOf } from './text-rules.ts';
import { tidy } from './tidy.ts';
import { valueProblems } from './walk.ts';

export type WireTask = components['schemas']['tesTask'];
type WireInput = components['schemas']['tesInput'];

export type SchemaVerdict =
  { readonly task: WireTask } | { readonly problems: readonly FieldProblem[] };

/** The contract's schema as a function. `thorough` asks for all problems instead of the first. */
export type TaskSchema = (body: unknown, thorough: boolean) => SchemaVerdict;

export interface ReadRules {
  readonly schema: TaskSchema;
  /** Keys of `backend_parameters` that this server knows, as service-info lists them. */
  readonly backendParameters: readonly string[];
  /** Most bytes of one `content`; the configuration bounds it by what a part of every store holds. */
  readonly contentBytes: number;
}

export interface TaskContent {
  /** Index in the task's inputs. */
  readonly index: number;
  readonly text: string;
}

export interface ReadTask {
  readonly spec: TaskSpec;
  readonly contents: readonly TaskContent[];
  readonly secrets: Secrets | undefined;
  /** For the task's system log. */
  readonly notes: readonly string[];
}

/** One refusal of a body; the message carries the first problem for clients that show nothing else. */
export const badTask = (problems: readonly FieldProblem[]): MagnetarError => {
  const details = problems.slice(0, LIMITS.problems);
  const [first] = details;
  const rest = details.length > 1 ? ` (and ${String(details.length - 1)} more problems)` : '';
  return new MagnetarError(
    'BAD_TASK',
    first === undefined ? 'the task is not valid' : `${first.field} ${first.message}${rest}`.trim(),
    { details },
  );
};

/** Trap 16, T23, T24: content that is not empty, or given without URL, is the input. */
const contentOf = (url: string | undefined, content: string | undefined): string | undefined =>
  content === '' && url !== undefined ? undefined : content;

const readInput = ({ content, ...rest }: WireInput): TaskInput => {
  const text = contentOf(rest.url, content);
  return { ...rest, ...(text === undefined ? {} : { content_bytes: bytesOf(text) }) };
};

const readSpec = ({ inputs, ...rest }: WireTask): TaskSpec => ({
  ...rest,
  ...(inputs === undefined ? {} : { inputs: inputs.map(readInput) }),
});

/** T21, T22, T44. */
const contentProblems = (body: JsonRecord, limit: number): readonly FieldProblem[] => {
  const rule = atMost(limit);
  return listOf(body['inputs']).flatMap((input, index) => {
    const content = isRecord(input) ? input['content'] : undefined;
    const message = typeof content === 'string' ? rule(content) : undefined;
    return message === undefined ? [] : [{ field: `inputs[${String(index)}].content`, message }];
  });
};

/** One problem for each place: the schema's word comes first. */
const onePerField = (problems: readonly FieldProblem[]): readonly FieldProblem[] => {
  const seen = new Set<string>();
  return problems.filter(({ field }) => !seen.has(field) && seen.add(field));
};

/**
 * Normalises and judges a body.
 * @throws MagnetarError BAD_TASK with `details` of every problem (T30-T45)
 */
export const readTask = (body: unknown, rules: ReadRules): ReadTask => {
  const size = sizeOf(body, LIMITS.depth);
  if (size.depth > LIMITS.depth) {
    throw badTask([{ field: '', message: `is nested deeper than ${String(LIMITS.depth)} levels` }]);
  }
  const normal = normalise(body, TASK_SHAPE);
  if (!isRecord(normal)) throw badTask([{ field: '', message: 'must be a JSON object' }]);
  const tidied = tidy(normal, rules.backendParameters);
  const verdict = rules.schema(tidied.body, size.values <= LIMITS.thoroughValues);
  const problems = onePerField([
    ...('problems' in verdict ? verdict.problems : []),
    ...tidied.problems,
    ...valueProblems(tidied.body),
    ...contentProblems(tidied.body, rules.contentBytes),
    ...relationProblems(tidied.body),
  ]);
  if ('problems' in verdict || problems.length > 0) throw badTask(problems);
  const { task } = verdict;
  return {
    ...takeSecrets(readSpec(task)),
    contents: (task.inputs ?? []).flatMap(({ url, content }, index) => {
      const text = contentOf(url, content);
      return text === undefined ? [] : [{ index, text }];
    }),
    notes: tidied.notes,
  };
};
