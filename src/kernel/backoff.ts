/** Growing delays with full jitter, as data. */
export interface BackoffPolicy {
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
}

/** Delay before try number `n` (0 = the first repetition). `random` in [0, 1). */
export const backoffDelayMs = (policy: BackoffPolicy, n: number, random: number): number => {
  const ceiling = Math.min(policy.maxMs, policy.firstMs * policy.factor ** n);
  return Math.round(ceiling * (0.5 + random / 2));
};
