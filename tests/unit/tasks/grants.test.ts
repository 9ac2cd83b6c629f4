import { describe, expect, it } from 'vitest';
import { fillIn, mayUse, type Caller } from '../../../src/tasks/grants.ts';
import { NO_OWNER, parseOwnerId } from '../../../src/tasks/ids.ts';

const caller = (owner: string, ...memberOf: readonly string[]): Caller => ({
  owner: parseOwnerId(owner),
  memberOf,
});
const alice = caller('user:alice', 'lab');
const bob = caller('https://sso.example|bob', '/lab/deep', '/other');
const rules = { authentication: true, admins: ['user:root', 'group:staff'] };

describe('mayUse', () => {
  it.each([
    [['*'], alice, true],
    [['user:alice'], alice, true],
    [['user:alice'], bob, false],
    [['alice'], alice, false],
    [['https://sso.example|bob'], bob, true],
    [['group:lab'], alice, true],
    [['group:lab'], bob, false],
    [[], alice, false],
    [[], caller('user:root'), true],
    [[], caller('user:x', 'staff'), true],
  ])('%j for %j: %s', (allow, who, expected) => {
    expect(mayUse(rules, { allow }, who)).toBe(expected);
  });

  it('lets everybody use everything without authentication, and tasks of that time afterwards', () => {
    const nobody: Caller = { owner: NO_OWNER, memberOf: [] };
    expect(mayUse({ authentication: false, admins: [] }, { allow: [] }, alice)).toBe(true);
    expect(mayUse(rules, { allow: [] }, nobody)).toBe(true);
  });
});

describe('fillIn', () => {
  it.each([
    ['/data', alice, ['/data']],
    ['/home/{user}/x', alice, ['/home/alice/x']],
    ['/home/{user}', bob, ['/home/bob']],
    ['/groups/{group}', alice, ['/groups/lab']],
    ['/groups/{group}', bob, ['/groups/other']],
    ['/g/{group}/{user}', caller('user:a', 'x', 'y'), ['/g/x/a', '/g/y/a']],
    ['/groups/{group}', caller('user:a'), []],
  ])('%s for %j', (pattern, who, expected) => {
    expect(fillIn(pattern, who)).toEqual(expected);
  });

  it.each(['auth0|1', '..', '.', 'a/b', '*', '', '{group}', 'a b', '-'])(
    'takes no %j for a segment of a path',
    (name) => {
      expect(fillIn('/home/{user}', caller(`https://sso.example|${name}`, 'lab'))).toEqual([]);
    },
  );
});
