/** Reads the query of a list or get request. Unknown parameters are ignored, empty ones count as absent (py-tes sends them). */
import type { Request } from 'express';
import { MagnetarError } from '../kernel/errors.ts';
import type { TaskFilter } from '../tasks/filter.ts';
import { isTaskState, TASK_STATES } from '../tasks/states.ts';
import { parseView, type View } from '../tasks/views.ts';

export interface ListQuery {
  readonly filter: TaskFilter;
  readonly view: View;
  readonly size: number;
  readonly token?: string;
}

/** Trap 5: legal sizes of a page. */
const PAGE = { least: 1, most: 2047, usual: 256 } as const;

const bad = (field: string, message: string): MagnetarError =>
  new MagnetarError('BAD_REQUEST', `${field} ${message}`, { details: [{ field, message }] });

const one = (query: URLSearchParams, name: string): string | undefined => {
  const text = query.get(name);
  return text === null || text === '' ? undefined : text;
};

export const queryOf = ({ url }: Request): URLSearchParams => {
  const start = url.indexOf('?');
  return new URLSearchParams(start === -1 ? '' : url.slice(start + 1));
};

/** T48, T53: absent = MINIMAL. */
export const readView = (query: URLSearchParams): View => {
  const text = one(query, 'view');
  const view = text === undefined ? 'MINIMAL' : parseView(text);
  if (view === undefined) throw bad('view', 'must be MINIMAL, BASIC or FULL');
  return view;
};

/** T64. */
const readSize = (query: URLSearchParams): number => {
  const text = one(query, 'page_size');
  if (text === undefined) return PAGE.usual;
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size >= PAGE.least && size <= PAGE.most) return size;
  throw bad('page_size', `must be a number from ${String(PAGE.least)} to ${String(PAGE.most)}`);
};

/** Trap 6, T71-T76: keys and values are zipped by index; an empty or missing value means any. */
const readTags = (query: URLSearchParams): TaskFilter['tags'] => {
  const keys = query.getAll('tag_key');
  const values = query.getAll('tag_value');
  if (values.length > keys.length) throw bad('tag_value', 'needs a tag_key for each value');
  return keys.map((key, index) => {
    const value = values[index] ?? '';
    return value === '' ? { key } : { key, value };
  });
};

/** Trap 7: the schema's default UNKNOWN is not a filter. */
const readState = (query: URLSearchParams): Pick<TaskFilter, 'state'> => {
  const state = one(query, 'state');
  if (state === undefined) return {};
  if (!isTaskState(state)) throw bad('state', `must be one of ${TASK_STATES.join(', ')}`);
  return { state };
};

/** @throws MagnetarError BAD_REQUEST naming the parameter */
export const readListQuery = (query: URLSearchParams): ListQuery => {
  const prefix = one(query, 'name_prefix');
  const token = one(query, 'page_token');
  return {
    filter: {
      tags: readTags(query),
      ...readState(query),
      ...(prefix === undefined ? {} : { name_prefix: prefix }),
    },
    view: readView(query),
    size: readSize(query),
    ...(token === undefined ? {} : { token }),
  };
};
