/** What was acquired, in order; released last-in first-out, each also when another one fails. */
export interface Releases {
  push(release: () => Promise<void> | void): void;
  /** Rejects with the first failure after all were tried; what was released is forgotten. */
  release(): Promise<void>;
}

export const createReleases = (): Releases => {
  const stack: (() => Promise<void> | void)[] = [];
  return {
    push(release) {
      stack.push(release);
    },
    async release() {
      const failures: unknown[] = [];
      for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
        try {
          await next();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
};
