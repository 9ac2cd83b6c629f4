/** A signal that follows another one and can be let go: what hangs on it is freed with it, however long its parent lives. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  unlink(): void;
}

export const linkAbort = (parent: AbortSignal): LinkedAbort => {
  const own = new AbortController();
  const follow = () => {
    own.abort(parent.reason);
  };
  if (parent.aborted) follow();
  else parent.addEventListener('abort', follow, { once: true });
  return {
    signal: own.signal,
    abort: (reason) => {
      own.abort(reason);
    },
    unlink: () => {
      parent.removeEventListener('abort', follow);
    },
  };
};
