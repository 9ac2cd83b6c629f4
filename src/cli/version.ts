/** The version of this program, from package.json. */
import { readFileSync } from 'node:fs';

export const readVersion = (): string => {
  const file = new URL('../../package.json', import.meta.url); // the same from src/ and dist/
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return version;
};
