/** All assertions in the order of the reference. */
import type { Check } from './check.ts';
import { CANCEL_CHECKS } from './checks/cancel.ts';
import { CREATE_CHECKS } from './checks/create.ts';
import { FILTER_CHECKS } from './checks/filters.ts';
import { LIST_CHECKS } from './checks/lists.ts';
import { REFUSE_CHECKS } from './checks/refuse.ts';
import { SERVICE_INFO_CHECKS } from './checks/service-info.ts';
import { TRANSPORT_CHECKS } from './checks/transport.ts';
import { VIEW_CHECKS } from './checks/views.ts';

export const numberOf = (id: string): number => Number(id.slice(1));

export const CATALOGUE: readonly Check[] = [
  SERVICE_INFO_CHECKS,
  TRANSPORT_CHECKS,
  CREATE_CHECKS,
  REFUSE_CHECKS,
  VIEW_CHECKS,
  LIST_CHECKS,
  FILTER_CHECKS,
  CANCEL_CHECKS,
]
  .flat()
  .toSorted((a, b) => numberOf(a.id) - numberOf(b.id));

const RANGE = /^T?(\d{1,2})(?:-T?(\d{1,2}))?$/i;

/** Ids chosen by a text such as `T10,T20-T30`; undefined = it cannot be read, or names none. */
export const selectIds = (text: string): ReadonlySet<string> | undefined => {
  const ids = new Set<string>();
  for (const part of text.split(',')) {
    const match = RANGE.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    const found = CATALOGUE.filter(({ id }) => numberOf(id) >= first && numberOf(id) <= last);
    if (found.length === 0) return undefined;
    for (const { id } of found) ids.add(id);
  }
  return ids;
};
