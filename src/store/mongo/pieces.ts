/** Cuts long text into parts, never inside a character. */

/** A longer spec leaves the task document. */
const MOST_INLINE = 256 * 1024;
const PIECE = 256 * 1024;

const isHighSurrogate = (code: number): boolean => code >= 0xd800 && code < 0xdc00;

/** Empty when the text is short enough to stay where it is. */
export const piecesOf = (text: string): readonly string[] => {
  if (text.length <= MOST_INLINE) return [];
  const pieces: string[] = [];
  for (let start = 0; start < text.length;) {
    const end = start + PIECE;
    const cut = isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end;
    pieces.push(text.slice(start, cut));
    start = cut;
  }
  return pieces;
};
