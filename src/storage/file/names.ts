/** Names of files are bytes; texts of this program carry only those that are UTF-8. */

const ILL_FORMED = /[\0\p{Cs}]/u;

/** Whether the system would get the very same name. */
export const isUsable = (text: string): boolean => !ILL_FORMED.test(text);

export const textOf = (bytes: Buffer): string | undefined => {
  const text = bytes.toString('utf8');
  return bytes.equals(Buffer.from(text, 'utf8')) ? text : undefined;
};

/** For messages: bytes that are no text as `\xE9`. */
export const shownBytes = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replace(
      /[^ -~]/g,
      (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
    );
