/** What an index page of nginx, Apache or Python's http.server says of a folder: names one step below it. Pure. */
import { isRecord } from '../../kernel/json.ts';

export interface IndexEntry {
  readonly kind: 'file' | 'folder';
  readonly name: string;
  readonly url: string;
  readonly size?: number;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
};

const codePoint = (value: number): string | undefined =>
  value <= 0x10ffff ? String.fromCodePoint(value) : undefined;

const unescapeHtml = (text: string): string =>
  text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-z]{2,4}));/g,
    (whole: string, decimal?: string, hex?: string, name?: string) => {
      if (decimal !== undefined) return codePoint(Number(decimal)) ?? whole;
      if (hex !== undefined) return codePoint(Number.parseInt(hex, 16)) ?? whole;
      return NAMED[name ?? ''] ?? whole;
    },
  );

/** Nobody looks through more in a page; a name takes some 400 bytes of memory. */
const MOST_ENTRIES = 100_000;

const LINK = /<a\s[^<>]{0,200}?href\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')/gi;

/** Undefined = not UTF-8, or a name that no path may hold. */
const nameOf = (segment: string): string | undefined => {
  try {
    const name = decodeURIComponent(segment);
    return /[/\0]/.test(name) || name === '.' || name === '..' ? undefined : name;
  } catch {
    return undefined;
  }
};

export class UnusableIndex extends Error {}

/** Undefined = the link leads elsewhere: up, to another host, or to the page in another order. */
const entryOf = (href: string, base: URL): IndexEntry | undefined => {
  if (href === '' || /[?#]/.test(href) || !URL.canParse(href, base.href)) return undefined;
  const url = new URL(href, base);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return undefined;
  const [segment = '', ...rest] = url.pathname.slice(base.pathname.length).split('/');
  if (segment === '' || rest.length > 1 || (rest[0] ?? '') !== '') return undefined;
  const name = nameOf(segment);
  if (name === undefined) throw new UnusableIndex('its index page shows a name that is not usable');
  return { kind: rest.length === 1 ? 'folder' : 'file', name, url: url.href };
};

function* ofHtml(page: string, base: URL): Generator<IndexEntry | undefined> {
  for (const [, double, single] of page.matchAll(LINK)) {
    yield entryOf(unescapeHtml(double ?? single ?? ''), base);
  }
}

const ofRecord = (one: unknown, base: URL): IndexEntry | undefined => {
  if (!isRecord(one) || typeof one['name'] !== 'string') return undefined;
  const { name, type, size } = one;
  const slash = type === 'directory' ? '/' : '';
  const entry = entryOf(`./${encodeURIComponent(name)}${slash}`, base);
  return entry?.kind === 'file' && Number.isSafeInteger(size) && Number(size) >= 0
    ? { ...entry, size: Number(size) }
    : entry;
};

function* ofJson(page: string, base: URL): Generator<IndexEntry | undefined> {
  const listed: unknown = JSON.parse(page);
  if (!Array.isArray(listed)) throw new UnusableIndex('its index page is no list');
  for (const one of listed as readonly unknown[]) yield ofRecord(one, base);
}

/**
 * Each name once. `base`: where the page came from, with a slash at the end.
 * @throws UnusableIndex, SyntaxError
 */
export const readIndex = (
  page: string,
  type: 'html' | 'json',
  base: URL,
): readonly IndexEntry[] => {
  const found = type === 'json' ? ofJson(page, base) : ofHtml(page, base);
  const byName = new Map<string, IndexEntry>();
  for (const entry of found) {
    if (entry === undefined) continue;
    byName.set(entry.name, entry);
    if (byName.size > MOST_ENTRIES) {
      throw new UnusableIndex(`its index page shows more than ${String(MOST_ENTRIES)} names`);
    }
  }
  return [...byName.values()];
};
