/** Applies the tables of text rules, counts and ranges to a normalised body, whatever its types; the schema judges those. */
import type { FieldProblem } from '../../kernel/errors.ts';
import { isRecord } from '../../kernel/json.ts';
import { COUNTS, LEAST, LIMITS, RANGES } from './limits.ts';
import { itemPath, memberPath } from './shape.ts';
import { TEXT_RULES, wellFormed } from './text-rules.ts';

interface Walk {
  readonly problems: FieldProblem[];
}

/** Maps: their keys come from the client. */
const MAPS: ReadonlySet<string> = new Set([
  'tags',
  'executors[].env',
  'resources.backend_parameters',
]);

const report = (walk: Walk, field: string, message: string | undefined): void => {
  if (message !== undefined && walk.problems.length < LIMITS.problems) {
    walk.problems.push({ field, message });
  }
};

const walkText = (walk: Walk, text: string, place: string, field: string): void => {
  const broken = wellFormed(place, text);
  if (broken !== undefined) {
    report(walk, field, broken);
    return;
  }
  for (const rule of TEXT_RULES[place] ?? []) {
    const message = rule(text);
    if (message === undefined) continue;
    report(walk, field, message);
    return;
  }
};

const walkNumber = (walk: Walk, value: number, place: string, field: string): void => {
  const range = RANGES[place];
  if (range === undefined || (value >= range[0] && value <= range[1])) return;
  report(walk, field, `must be between ${String(range[0])} and ${String(range[1])}`);
};

/** Whether the members are worth a look. */
const countFits = (walk: Walk, count: number, place: string, field: string): boolean => {
  const most = COUNTS[place] ?? Infinity;
  const least = LEAST[place] ?? 0;
  if (count < least) report(walk, field, 'must not be empty');
  if (count > most) report(walk, field, `must not have more than ${String(most)} members`);
  return count <= most;
};

const walkMap = (walk: Walk, value: object, place: string, field: string): void => {
  for (const [key, member] of Object.entries(value)) {
    const path = memberPath(field, key);
    walkText(walk, key, `${place}{}`, path);
    visit(walk, member, `${place}.*`, path);
  }
};

const visit = (walk: Walk, value: unknown, place: string, field: string): void => {
  if (walk.problems.length >= LIMITS.problems) return;
  if (typeof value === 'string') walkText(walk, value, place, field);
  else if (typeof value === 'number') walkNumber(walk, value, place, field);
  else if (Array.isArray(value)) {
    if (!countFits(walk, value.length, place, field)) return;
    for (const [index, item] of value.entries()) {
      visit(walk, item, `${place}[]`, itemPath(field, index));
    }
  } else if (isRecord(value)) {
    if (!countFits(walk, Object.keys(value).length, place, field)) return;
    if (MAPS.has(place)) walkMap(walk, value, place, field);
    else {
      for (const [name, member] of Object.entries(value)) {
        visit(walk, member, place === '' ? name : `${place}.${name}`, memberPath(field, name));
      }
    }
  }
};

/** Problems of single values; the body is normalised, so that only fields of the contract are left. */
export const valueProblems = (body: unknown): readonly FieldProblem[] => {
  const walk: Walk = { problems: [] };
  visit(walk, body, '', '');
  return walk.problems;
};
