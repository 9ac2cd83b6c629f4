/** Output paths with wildcards (IEEE Std 1003.1-2017, 2.13): `*`, `?` and bracket expressions. */
import { segmentsOf } from '../urls.ts';

/** A `]` right at the beginning of a bracket expression is one of its characters, and a lone `[` begins none; as `is_pattern` in runner/src/paths.py. */
const WILDCARD = /[*?]|\[(?:![^/]|[^!/])[^\]/]*\]/;

export const hasWildcard = (path: string): boolean => WILDCARD.test(path);

/** The folder that all matches lie in; the path itself when it is no pattern. */
export const folderOfMatches = (path: string): string => {
  const segments = segmentsOf(path);
  const first = segments.findIndex(hasWildcard);
  return first === -1 ? path : `/${segments.slice(0, first).join('/')}`;
};
