/** Who may use what the configuration opens: folders, hosts with credentials, buckets. Pure. */
import { NO_OWNER, type OwnerId } from './ids.ts';

/** Who wants to use something; kept with each task, so that it can be judged again. */
export interface Caller {
  readonly owner: OwnerId;
  /** All groups, not only those that share tasks. */
  readonly memberOf: readonly string[];
}

/** Whoever came while there was no authentication. */
export const NOBODY: Caller = { owner: NO_OWNER, memberOf: [] };

/** What is opened, and to whom. */
export interface Entry {
  /** `*`, `user:NAME`, `ISSUER|SUBJECT` or `group:NAME`; none = admins only. */
  readonly allow: readonly string[];
}

export interface GrantRules {
  /** Without it everybody may use everything. */
  readonly authentication: boolean;
  /** Keys of users, or `group:NAME`; they may use everything. */
  readonly admins: readonly string[];
}

const EVERYBODY = '*';

const isNamed = (list: readonly string[], { owner, memberOf }: Caller): boolean =>
  list.includes(EVERYBODY) ||
  list.includes(owner) ||
  memberOf.some((group) => list.includes(`group:${group}`));

/** Whoever has no owner came while there was no authentication. */
const isAdmin = ({ authentication, admins }: GrantRules, caller: Caller): boolean =>
  !authentication || caller.owner === NO_OWNER || isNamed(admins, caller);

export const mayUse = (rules: GrantRules, { allow }: Entry, caller: Caller): boolean =>
  isAdmin(rules, caller) || isNamed(allow, caller);

/** A name that means one segment of a path and nothing else. */
const SEGMENT = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$/;

const USER = /^user:(.*)$/;

/** `user:alice` is `alice`, `<issuer>|<subject>` the subject. */
const userOf = (owner: string): string => USER.exec(owner)?.[1] ?? owner.replace(/^[^|]*\|/, '');

/** Some issuers write groups as paths. */
const groupNameOf = (group: string): string => group.replace(/^\//, '');

/** Places in a pattern that stand for whoever uses it. */
const PLACES = {
  '{user}': ({ owner }: Caller) => [userOf(owner)],
  '{group}': ({ memberOf }: Caller) => memberOf.map(groupNameOf),
} as const satisfies Record<string, (caller: Caller) => readonly string[]>;

/** Where a pattern begins to depend on who uses it; -1 = nowhere. */
export const placeIn = (pattern: string): number => pattern.search(/\{(user|group)\}/);

/** What a pattern means for a caller: a text for each of his groups, none when his name fits in no path. */
export const fillIn = (pattern: string, caller: Caller): readonly string[] =>
  Object.entries(PLACES).reduce<readonly string[]>(
    (texts, [place, namesOf]) =>
      texts.flatMap((text) =>
        text.includes(place)
          ? namesOf(caller)
              .filter((name) => SEGMENT.test(name))
              .map((name) => text.replaceAll(place, name))
          : [text],
      ),
    [pattern],
  );
