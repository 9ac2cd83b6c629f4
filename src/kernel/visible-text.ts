/** Text of others for a terminal. */

/** Controls and invisible marks: a terminal would obey them, and they may come from a client. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const escaped = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;

/** The same text with what a terminal would obey as escapes. */
export const visible = (text: string): string => text.replace(UNSEEN, escaped);
