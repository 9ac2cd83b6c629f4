/** Settles what clients leave half-said in a normalised body: empty texts, zero and fractional cores, keys of other back ends. */
import type { FieldProblem } from '../../kernel/errors.ts';
import { isRecord, type JsonRecord } from '../../kernel/json.ts';
import { listOf, memberPath } from './shape.ts';

export interface Tidied {
  readonly body: JsonRecord;
  /** For the task's system log. */
  readonly notes: readonly string[];
  readonly problems: readonly FieldProblem[];
}

/** Fields in which the empty text means "not given": clients of protocol-buffer descent write it so (C22). */
const UNSET_WHEN_EMPTY: Readonly<Record<string, readonly string[]>> = {
  inputs: ['url'],
  outputs: ['path_prefix'],
  executors: ['workdir', 'stdin', 'stdout', 'stderr'],
};

const without = (record: JsonRecord, names: readonly string[]): JsonRecord =>
  names.length === 0
    ? record
    : Object.fromEntries(Object.entries(record).filter(([name]) => !names.includes(name)));

const withoutEmpty = (list: unknown, names: readonly string[]): unknown =>
  Array.isArray(list)
    ? listOf(list).map((item) =>
        isRecord(item)
          ? without(
              item,
              names.filter((name) => item[name] === ''),
            )
          : item,
      )
    : list;

/** T26: a part of a core is rounded up, as the contract counts whole ones; 0 is the "not given" of clients without null. */
const tidyCores = (resources: JsonRecord, notes: string[]): JsonRecord => {
  const cores = resources['cpu_cores'];
  if (cores === 0) return without(resources, ['cpu_cores']);
  if (typeof cores !== 'number' || Number.isInteger(cores) || cores < 0) return resources;
  const whole = Math.ceil(cores);
  notes.push(`cpu_cores ${String(cores)} was rounded up to ${String(whole)}`);
  return { ...resources, cpu_cores: whole };
};

const PLACE = 'resources.backend_parameters';

/** T17, T18, T30: keys are compared without case, kept as service-info spells them; others are dropped, or refused when strict. */
const tidyParameters = (
  resources: JsonRecord,
  supported: readonly string[],
  found: { readonly notes: string[]; readonly problems: FieldProblem[] },
): JsonRecord => {
  const given = resources['backend_parameters'];
  if (!isRecord(given)) return resources;
  const kept: [string, unknown][] = [];
  for (const [key, value] of Object.entries(given)) {
    const name = supported.find((known) => known.toLowerCase() === key.toLowerCase());
    if (kept.some(([other]) => other === name)) {
      found.problems.push({ field: memberPath(PLACE, key), message: 'is given twice' });
    } else if (name !== undefined) kept.push([name, value]);
    else if (resources['backend_parameters_strict'] === true) {
      found.problems.push({ field: memberPath(PLACE, key), message: 'is not supported' });
    } else found.notes.push(`${memberPath(PLACE, key)} is not supported and was ignored`);
  }
  return kept.length === 0
    ? without(resources, ['backend_parameters'])
    : { ...resources, backend_parameters: Object.fromEntries(kept) };
};

export const tidy = (body: JsonRecord, supported: readonly string[]): Tidied => {
  const notes: string[] = [];
  const problems: FieldProblem[] = [];
  const changed: Record<string, unknown> = { ...body };
  for (const [list, names] of Object.entries(UNSET_WHEN_EMPTY)) {
    if (body[list] !== undefined) changed[list] = withoutEmpty(body[list], names);
  }
  const { resources } = body;
  if (isRecord(resources)) {
    changed['resources'] = tidyParameters(tidyCores(resources, notes), supported, {
      notes,
      problems,
    });
  }
  return { body: changed, notes, problems };
};
