/** The netrc format of ftp and curl. Pure. */

export interface NetrcEntry {
  readonly machine: string;
  readonly login: string;
  readonly password: string;
}

export type NetrcResult =
  { readonly entries: readonly NetrcEntry[] } | { readonly problem: string };

interface Word {
  readonly text: string;
  readonly line: number;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** A quoted text, or a run of anything but blanks. */
const WORD = /"((?:[^"\\\n]|\\.)*)"(?!\S)|\S+/g;

const unquoted = (text: string): string =>
  text.replace(/\\(.)/g, (_, character: string) => ESCAPES[character] ?? character);

/** Where a comment may begin: not in the place of a value, for passwords may begin with `#`. */
const wordsOf = (text: string): readonly Word[] => {
  const words: Word[] = [];
  let needsValue = false;
  let isMacro = false;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (isMacro && line.trim() !== '') continue; // a macro ends at an empty line
    isMacro = false;
    for (const [whole, quoted] of line.matchAll(WORD)) {
      if (!needsValue && whole.startsWith('#')) break;
      isMacro ||= !needsValue && whole === 'macdef';
      if (isMacro) break;
      words.push({ text: quoted === undefined ? whole : unquoted(quoted), line: index + 1 });
      needsValue = !needsValue && whole !== 'default';
    }
  }
  return words;
};

const FIELDS: ReadonlySet<string> = new Set(['login', 'password', 'account']);

/**
 * What is said of each machine, the first time that it is named. `default` is left out: its credentials would go to every host that a
 * task names. Problems show the line and nothing of it.
 */
export const parseNetrc = (text: string): NetrcResult => {
  const words = wordsOf(text);
  const entries = new Map<string, NetrcEntry>();
  let here: { machine: string; login: string; password: string } | undefined;
  const keep = (): void => {
    if (here !== undefined && !entries.has(here.machine)) entries.set(here.machine, here);
  };
  for (let at = 0; at < words.length; at += 1) {
    const { text: keyword, line } = words[at] ?? { text: '', line: 0 };
    if (keyword === 'default') {
      keep();
      here = { machine: '', login: '', password: '' };
      continue;
    }
    at += 1;
    const value = words[at]?.text;
    if (keyword === 'machine' && value !== undefined) {
      keep();
      here = { machine: value.toLowerCase(), login: '', password: '' };
    } else if (FIELDS.has(keyword) && value !== undefined && here !== undefined) {
      here = { ...here, [keyword]: value };
    } else {
      return { problem: `line ${String(line)} is not understood` };
    }
  }
  keep();
  return {
    entries: [...entries.values()]
      .filter(({ machine, login }) => machine !== '' && login !== '')
      .map(({ machine, login, password }) => ({ machine, login, password })),
  };
};
