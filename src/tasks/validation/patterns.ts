/** Output paths with wildcards (IEEE Std 1003.1-2017, 2.13): `*`, `?` and bracket expressions. */

const WILDCARD = /[*?]|\[[^\]/]+\]/;

export const hasWildcard = (path: string): boolean => WILDCARD.test(path);
