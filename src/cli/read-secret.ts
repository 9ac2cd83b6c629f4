/** Reads a secret that must not be seen: typed without an echo at a terminal, or as a line of stdin. */
import type { ReadStream } from 'node:tty';
import { UsageError } from './program.ts';

/** What `process.stdin` is: a terminal, or anything that is piped in. */
export type SecretInput = NodeJS.ReadStream | (NodeJS.ReadableStream & { readonly isTTY?: false });

const ENTER = /[\r\n]/;
const RUB_OUT = /[\b\x7f]/;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const MOST_CHARACTERS = 4096;

/** Applies typed characters; `done` = the line is complete. */
const type = (line: string, keys: string): { readonly line: string; readonly done: boolean } => {
  let text = line;
  for (const key of keys) {
    if (key === CTRL_C || key === CTRL_D) throw new UsageError('called off');
    if (ENTER.test(key)) return { line: text, done: true };
    text = RUB_OUT.test(key) ? text.slice(0, -1) : text + key;
  }
  return { line: text, done: false };
};

const readTyped = async (input: ReadStream): Promise<string> => {
  input.setRawMode(true);
  try {
    let line = '';
    for await (const keys of input.iterator({ destroyOnReturn: false })) {
      const typed = type(line, String(keys));
      line = typed.line;
      if (typed.done) break;
    }
    return line;
  } finally {
    input.setRawMode(false);
    input.pause();
  }
};

const readPiped = async (input: NodeJS.ReadableStream): Promise<string> => {
  let text = '';
  for await (const piece of input) {
    text += String(piece);
    if (text.length > MOST_CHARACTERS) throw new UsageError('the password on stdin is too long');
  }
  return text.split(/\r?\n/)[0] ?? '';
};

/** @param ask shows a prompt; not used for what is piped in */
export const readSecret = async (
  input: SecretInput,
  prompts: readonly string[],
  ask: (prompt: string) => void,
): Promise<string> => {
  if (input.isTTY !== true) return readPiped(input);
  const answers: string[] = [];
  for (const prompt of prompts) {
    ask(prompt);
    answers.push(await readTyped(input));
  }
  if (new Set(answers).size > 1) throw new UsageError('the two are not the same');
  return answers[0] ?? '';
};
