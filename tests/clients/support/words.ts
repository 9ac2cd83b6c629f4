/** The inputs of the workflows in `examples/`: words, one of which may be missing its letters. */
import { cpSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const example = (name: string): string =>
  fileURLToPath(new URL(`../../../examples/${name}`, import.meta.url));

/** Lays the words there; answers a function that writes one of them. */
export const layWords = (folder: string): ((word: string, text: string) => void) => {
  cpSync(example('words'), folder, { recursive: true });
  return (word, text) => {
    writeFileSync(path.join(folder, `${word}.txt`), text);
  };
};
