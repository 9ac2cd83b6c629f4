/** Every port call can be called off. */
export interface CallOptions {
  readonly signal: AbortSignal;
}
