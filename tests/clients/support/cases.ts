/** Cases that a script in the client's own language holds: a function each, whose first words are its C numbers. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Script {
  readonly file: string;
  /** Name and numbers of each case, as the script itself says. */
  readonly cases: readonly (readonly [name: string, numbers: string])[];
}

export const readScript = (name: string): Script => {
  const file = fileURLToPath(new URL(`../${name}`, import.meta.url));
  const found = readFileSync(file, 'utf8').matchAll(/^def (\w+)\(\):\n {4}"""(C\d[^":.]*)/gm);
  const cases = [...found].map(([, test = '', numbers = '']) => [test, numbers] as const);
  if (cases.length === 0) throw new Error(`${name} has no cases`);
  return { file, cases };
};
