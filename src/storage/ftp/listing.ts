/** Reads what LIST and MLSD send: lines of RFC 3659, of `ls -l` or of DOS. Pure. A line that is none of them spoils all: nothing is left out unsaid. */
import { parseList } from 'basic-ftp';
import { optional } from '../../kernel/optional.ts';

export interface Listed {
  readonly name: string;
  /** `unclear`: a link or something special; only a look at it tells. */
  readonly kind: 'file' | 'folder' | 'unclear';
  readonly size?: number;
}

export class UnusableListing extends Error {}

/** Names that can be sent back, and that stay below the folder. */
const isUsable = (name: string): boolean => name !== '' && !/[/\p{Cc}\uFFFD]/u.test(name);

const MLSD = /^((?:[^\s;=]+=[^;]*;)*) (.*)$/;
const META = /^total\s+\d+\s*$/i;
const SIZE = /^\d{1,16}$/;

const KINDS: Readonly<Record<string, Listed['kind'] | 'none'>> = {
  file: 'file',
  dir: 'folder',
  cdir: 'none',
  pdir: 'none',
};

const readFacts = (facts: string, name: string): Listed | undefined => {
  const fact = (key: string): string | undefined =>
    facts
      .split(';')
      .find((one) => one.toLowerCase().startsWith(`${key}=`))
      ?.slice(key.length + 1);
  const kind = KINDS[fact('type')?.toLowerCase() ?? ''] ?? 'unclear';
  if (kind === 'none') return undefined;
  const size = fact('size');
  const isTold = kind === 'file' && size !== undefined && SIZE.test(size);
  return { name, kind, ...optional('size', isTold ? Number(size) : undefined) };
};

const readListLine = (line: string): Listed | undefined => {
  let found: ReturnType<typeof parseList>;
  try {
    found = parseList(line);
  } catch {
    throw new UnusableListing('its list cannot be read');
  }
  const [info] = found;
  if (info === undefined) return undefined; // `.` and `..`
  const { name, size } = info;
  if (info.isDirectory) return { name, kind: 'folder' };
  if (info.isSymbolicLink) return { name, kind: 'unclear' };
  if (!info.isFile) throw new UnusableListing('its list cannot be read');
  return { name, kind: 'file', ...optional('size', Number.isSafeInteger(size) ? size : undefined) };
};

/** basic-ftp would end a name before it. */
const ODD = /[\p{Cc}\u2028\u2029]/u;

const readLine = (line: string): Listed | undefined => {
  if (ODD.test(line)) throw new UnusableListing('its list shows a name that is not usable');
  const [, facts, name] = MLSD.exec(line) ?? [];
  const isMlsd = facts !== undefined && facts !== '' && name !== undefined;
  const listed = isMlsd ? readFacts(facts, name) : readListLine(line);
  if (listed === undefined || listed.name === '.' || listed.name === '..') return undefined;
  if (!isUsable(listed.name)) throw new UnusableListing('its list shows a name that is not usable');
  return listed;
};

/** @throws UnusableListing */
export const readListing = (text: string): readonly Listed[] =>
  text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !META.test(line))
    .map(readLine)
    .filter((listed) => listed !== undefined);
