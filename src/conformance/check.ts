/** A row of the catalogue: one assertion of the reference, and the function that tries it. */
import type { Lab } from './lab.ts';
import type { Level, Verdict } from './verdict.ts';

export interface Check {
  /** `T13`. */
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  /** After all others: it judges what they saw. */
  readonly last: boolean;
  /** Nothing = a pass; throws Failure, Skipped. */
  readonly test: (lab: Lab) => Promise<Verdict | undefined>;
}

/** Marks of the reference: S the document, C the public suite, K known clients, I Magnetar's own reading. */
type Mark = 'S' | 'C' | 'K' | 'I';

const LEVELS: Readonly<Record<Mark, Level>> = {
  S: 'MUST',
  C: 'MUST',
  K: 'SHOULD',
  I: 'informative',
};

/** Builds a row; `mark` is the strongest that the reference gives. */
export const check = (
  id: string,
  mark: Mark,
  title: string,
  test: (lab: Lab) => Promise<Verdict | undefined>,
): Check => ({ id, level: LEVELS[mark], title, last: false, test });

export const lastly = (row: Check): Check => ({ ...row, last: true });

/** For rows that pass by reaching their end. */
export const holds =
  (test: (lab: Lab) => Promise<void>) =>
  async (lab: Lab): Promise<undefined> => {
    await test(lab);
    return undefined;
  };
