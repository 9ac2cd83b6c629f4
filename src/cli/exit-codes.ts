/** What the commands answer to the shell. */

export const EXIT = {
  ok: 0,
  failure: 1, // usage or server error
  executorError: 3,
  systemError: 4,
  canceled: 5,
  timeout: 6,
  forced: 130, // a second Ctrl-C, as shells number it
} as const;

const BY_STATE: Readonly<Record<string, number>> = {
  COMPLETE: EXIT.ok,
  EXECUTOR_ERROR: EXIT.executorError,
  SYSTEM_ERROR: EXIT.systemError,
  PREEMPTED: EXIT.systemError, // other servers end tasks in it
  CANCELED: EXIT.canceled,
};

/** Exit code of a final state; undefined = the task goes on. */
export const exitCodeOf = (state: string): number | undefined => BY_STATE[state];
