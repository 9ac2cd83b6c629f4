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
