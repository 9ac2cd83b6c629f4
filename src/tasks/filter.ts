/** What a list request asks for, as data; the page token is bound to it. */
import { createHash } from 'node:crypto';
import { MagnetarError } from '../kernel/errors.ts';
import { parseTaskId, type OwnerId, type TaskId } from './ids.ts';
import { prefixKey, tagKey, tagPair } from './keys.ts';
import type { TaskState } from './states.ts';

export interface TaskFilter {
  readonly name_prefix?: string;
  readonly state?: TaskState;
  /** Pairs of tag_key and tag_value zipped by index; no value = any value. */
  readonly tags: readonly { readonly key: string; readonly value?: string }[];
}

/** Search entries that a matching task must all have. */
export const filterKeys = (filter: TaskFilter): readonly string[] => [
  ...filter.tags.map(({ key, value }) => (value === undefined ? tagKey(key) : tagPair(key, value))),
  ...(filter.name_prefix === undefined || filter.name_prefix === ''
    ? []
    : [prefixKey(filter.name_prefix)]),
];

const fingerprint = (filter: TaskFilter, owner: OwnerId | undefined): string =>
  createHash('sha256')
    .update(
      JSON.stringify([filter.name_prefix ?? '', filter.state ?? '', filter.tags, owner ?? null]),
    )
    .digest('base64url')
    .slice(0, 16);

/** Opaque to clients: the last id of the page, bound to filter and owner. */
export const newPageToken = (
  last: TaskId,
  filter: TaskFilter,
  owner: OwnerId | undefined,
): string => Buffer.from(`${last}.${fingerprint(filter, owner)}`).toString('base64url');

export const parsePageToken = (
  token: string,
  filter: TaskFilter,
  owner: OwnerId | undefined,
): TaskId => {
  const [id = '', print] = Buffer.from(token, 'base64url').toString('utf8').split('.');
  const task = parseTaskId(id);
  if (task === undefined || print !== fingerprint(filter, owner)) {
    throw new MagnetarError(
      'BAD_PAGE_TOKEN',
      'page_token is not one that this list gave for the same filters',
      { details: [{ field: 'page_token', message: 'use it unchanged with the same filters' }] },
    );
  }
  return task;
};
