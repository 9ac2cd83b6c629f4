/** Password hashes. */
import { describe, expect, it } from 'vitest';
import {
  createCheckPassword,
  DECOY,
  hashPassword,
  isPasswordHash,
} from '../../../src/access/passwords.ts';
import { isMagnetarError } from '../../../src/kernel/errors.ts';

describe('password hashes', () => {
  it('hold for their password only, each with a salt of its own', async () => {
    const check = createCheckPassword();
    const [one, two] = [await hashPassword('correct horse'), await hashPassword('correct horse')];
    expect(one).not.toBe(two);
    expect(one).toMatch(/^scrypt\$ln=15,r=8,p=3\$/);
    expect(await check('correct horse', one)).toBe(true);
    expect(await check('correct horsf', one)).toBe(false);
    expect(await check('', one)).toBe(false);
  });

  it('take the same characters however they are composed', async () => {
    const check = createCheckPassword();
    expect(await check('e\u0301te\u0301', await hashPassword('été'))).toBe(true);
  });

  it('are not made by what asks for too much, or is none', async () => {
    const check = createCheckPassword();
    const salt = 'A'.repeat(22);
    const hash = 'A'.repeat(43);
    for (const bad of [
      '',
      'plain',
      `scrypt$ln=30,r=8,p=1$${salt}$${hash}`,
      `scrypt$ln=15,r=8,p=3$${salt}$A`,
    ]) {
      expect(isPasswordHash(bad)).toBe(false);
      expect(await check('x', bad)).toBe(false);
    }
    expect(isPasswordHash(DECOY)).toBe(true);
    expect(await check('', DECOY)).toBe(false);
  });

  it('are checked a few at a time; a flood is refused at once', async () => {
    const check = createCheckPassword();
    const cheap = `scrypt$ln=1,r=1,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;
    const ends = await Promise.allSettled(Array.from({ length: 100 }, () => check('x', cheap)));
    const refused = ends.filter((end) => end.status === 'rejected');
    expect(refused).toHaveLength(100 - 66);
    for (const { reason } of refused) expect(isMagnetarError(reason, 'OVERLOADED')).toBe(true);
    expect(await check('x', cheap)).toBe(false);
  });
});
