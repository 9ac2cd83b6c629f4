/** Ends an exhaustive switch: reaching it is a programmer's error. */
export function assertNever(value: never): never {
  throw new TypeError(`unexpected value ${JSON.stringify(value)}`);
}
