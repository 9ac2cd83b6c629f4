/** Transfers that may take for ever, as long as Pulsar is not silent. */
/** A clock for one side of a transfer: that of Pulsar. */
export interface Silence {
  /** It is Pulsar's turn. */
  wait(): void;
  /** It is ours. */
  stop(): void;
}

export const withSilence = async <Result>(
  ms: number,
  onLate: () => void,
  work: (silence: Silence) => Promise<Result>,
): Promise<Result> => {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    timer = undefined;
  };
  const wait = (): void => {
    stop();
    timer = setTimeout(onLate, ms);
  };
  try {
    return await work({ wait, stop });
  } finally {
    stop();
  }
};
