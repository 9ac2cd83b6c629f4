/** Who calls, as far as tasks are concerned. */
import { NO_OWNER, type OwnerId } from './ids.ts';
import type { Scope } from './ports/task-store.ts';

export interface Principal {
  readonly owner: OwnerId;
  readonly groups: readonly string[];
  /** Whose tasks it may see. */
  readonly scope: Scope;
}

/** Everybody, while access control is off. */
export const ANYBODY: Principal = { owner: NO_OWNER, groups: [], scope: 'all' };
