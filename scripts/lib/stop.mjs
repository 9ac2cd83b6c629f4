/** A reason to end that the user can do something about; only its message is shown. */
export class Stop extends Error {}
