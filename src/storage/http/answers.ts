/** What the headers of an answer say of the file. Pure. */
import type { HttpAnswer } from './exchange.ts';

export const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;

/** What If-Range may carry: a strong ETag, or a time of change. */
export const versionOf = ({ header }: HttpAnswer): string | undefined => {
  const etag = header('etag');
  return etag !== undefined && !etag.startsWith('W/') ? etag : header('last-modified');
};

interface ContentRange {
  readonly start: number | undefined;
  readonly total: number | undefined;
}

export const rangeOf = ({ header }: HttpAnswer): ContentRange => {
  const [, start, total] =
    /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(header('content-range') ?? '') ?? [];
  return { start: numberOf(start), total: numberOf(total) };
};

/** Names of files that are stored in a coding; servers announce it for them. */
const CODED_NAMES: Readonly<Record<string, RegExp>> = {
  gzip: /\.(gz|tgz|bgz|svgz)$/i,
  'x-gzip': /\.(gz|tgz|bgz|svgz)$/i,
  compress: /\.Z$/,
  'x-compress': /\.Z$/,
  br: /\.br$/i,
  zstd: /\.zst$/i,
  bzip2: /\.bz2$/i,
  'x-bzip2': /\.bz2$/i,
  xz: /\.xz$/i,
  'x-xz': /\.xz$/i,
};

/**
 * The coding of a body that was asked for without any; undefined = these are the bytes of the file. Whether other servers have stored
 * the file so or compress whatever they send cannot be told, so neither its bytes nor what they stand for would be right for sure.
 */
export const unaskedCoding = ({ header, url }: HttpAnswer): string | undefined => {
  const coding = (header('content-encoding') ?? 'identity').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return undefined;
  const names = Object.hasOwn(CODED_NAMES, coding) ? CODED_NAMES[coding] : undefined;
  if (names?.test(url.pathname) === true) return undefined;
  return /^[\w, .-]{1,40}$/.test(coding) ? coding : 'an unknown coding';
};
