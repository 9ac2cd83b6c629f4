/** Reads percent-encoded pieces of URLs. */

/** Also `%` that encodes nothing is taken: it stands for itself. */
export const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
