/** Rules between the fields of a task; each looks only at values of the right type, the schema judges the others. */
import type { FieldProblem } from '../../kernel/errors.ts';
import { isRecord, type JsonRecord } from '../../kernel/json.ts';
import { hasDotDot, isBelow } from '../urls.ts';
import { LIMITS } from './limits.ts';
import { folderOfMatches, hasWildcard } from './patterns.ts';
import { itemPath, listOf } from './shape.ts';
import { bytesOf, notSystem } from './text-rules.ts';

type Relation = (item: JsonRecord) => readonly FieldProblem[];

const problem = (field: string, message: string): readonly FieldProblem[] => [{ field, message }];

/** T36, trap 16: `content` counts as given when the key is there. */
const inputSource: Relation = ({ url, content, type }) => {
  if (url === undefined && content === undefined) {
    return problem('url', 'is required unless content is given');
  }
  return typeof content === 'string' && url === undefined && type === 'DIRECTORY'
    ? problem('type', 'must be FILE for an input with content')
    : [];
};

/** T40, T41: a prefix is needed by patterns only, and ignored otherwise. */
const outputPrefix: Relation = ({ path, path_prefix: prefix }) => {
  if (typeof path !== 'string' || !hasWildcard(path)) return [];
  if (prefix === undefined) return problem('path_prefix', 'is required when path has wildcards');
  if (typeof prefix !== 'string') return [];
  if (!prefix.startsWith('/')) return problem('path_prefix', 'must be an absolute path');
  return hasWildcard(prefix) || hasDotDot(prefix) || !isBelow(path, prefix)
    ? problem('path_prefix', 'must be a leading folder of path, without wildcards')
    : [];
};

/** The folder of a pattern's matches is the task's own, so it must not hide one of the image. */
const outputFolder: Relation = ({ path }) => {
  if (typeof path !== 'string' || !hasWildcard(path)) return [];
  const wrong = notSystem(folderOfMatches(path));
  return wrong === undefined ? [] : problem('path', `has wildcards right in what ${wrong}`);
};

const textBytes = (value: unknown): number => (typeof value === 'string' ? bytesOf(value) + 1 : 0);

const argumentsFit: Relation = ({ command, env }) => {
  const program = listOf(command)[0];
  if (program === '') return problem('command[0]', 'must name a program');
  const argv = listOf(command).reduce<number>((sum, argument) => sum + textBytes(argument), 0);
  const variables = Object.entries(isRecord(env) ? env : {});
  const total = variables.reduce(
    (sum, [key, value]) => sum + textBytes(key) + textBytes(value),
    argv,
  );
  return total > LIMITS.argumentsBytes
    ? problem('command', `and env are together longer than ${String(LIMITS.argumentsBytes)} bytes`)
    : [];
};

const RELATIONS: Readonly<Record<string, readonly Relation[]>> = {
  inputs: [inputSource],
  outputs: [outputPrefix, outputFolder],
  executors: [argumentsFit],
};

const ofItem = (item: unknown, path: string, relations: readonly Relation[]) =>
  isRecord(item)
    ? relations.flatMap((relation) =>
        relation(item).map(({ field, message }) => ({ field: `${path}.${field}`, message })),
      )
    : [];

/** Problems of values that do not go together. */
export const relationProblems = (body: unknown): readonly FieldProblem[] => {
  if (!isRecord(body)) return [];
  return Object.entries(RELATIONS).flatMap(([list, relations]) =>
    listOf(body[list]).flatMap((item, index) => ofItem(item, itemPath(list, index), relations)),
  );
};
