/** Who calls, as far as tasks are concerned. */
import { MagnetarError } from '../kernel/errors.ts';
import { NOBODY, type Caller } from './grants.ts';
import type { Scope } from './ports/task-store.ts';

export interface Principal extends Caller {
  /** Groups with which it shares its tasks. */
  readonly groups: readonly string[];
  /** Whose tasks it may see. */
  readonly scope: Scope;
  /** It sees, and changes nothing. */
  readonly readOnly: boolean;
}

/** Everybody, while access control is off. */
export const ANYBODY: Principal = {
  ...NOBODY,
  groups: [],
  scope: 'all',
  readOnly: false,
};

/** @throws MagnetarError ROLE_REFUSED */
export const assertMayChange = ({ readOnly }: Principal): void => {
  if (readOnly) throw new MagnetarError('ROLE_REFUSED', 'a viewer may read tasks, not change them');
};
