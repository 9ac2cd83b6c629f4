/** What a kind of storage makes of a URL before anything is asked of it, one implementation beside each ObjectStorage. */

import type { Caller } from '../grants.ts';
import type { FileUse } from './file-access.ts';

/** Who wants to do what. */
export interface UrlUse {
  readonly use: FileUse;
  readonly caller: Caller;
}

/** What planning must know of a URL. */
export interface UrlFacts {
  /** Whoever reads or writes there must know something that lasts: a job on a foreign host may not. */
  readonly needsSecret: boolean;
  /** How files are stored over HTTP. */
  readonly upload: 'put' | 'post';
}

/** No I/O. */
export interface UrlRules {
  /**
   * Names are not resolved here: whoever connects judges their addresses.
   * @throws MagnetarError BAD_TASK (no URL of this kind; shows nothing of it, for nobody knows where a secret ends in it),
   *   STORAGE_REFUSED (a host or service that nobody has allowed, or not this caller; says what to configure)
   */
  judge(url: string, use: UrlUse): UrlFacts;
}

/** Rules by scheme; `file` has none here, see FileAccess. */
export type SchemeRules = Readonly<Partial<Record<string, UrlRules>>>;
