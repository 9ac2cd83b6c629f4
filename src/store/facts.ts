/** Facts of a job are set once: what is known stays. */
import type { Inbox } from '../tasks/task.ts';

/** The facts that `known` does not have yet; undefined = nothing new. */
export const newFacts = (known: Inbox, heard: Inbox): Inbox | undefined => {
  const fresh: Inbox = {
    ...(known.started === undefined && heard.started !== undefined && { started: heard.started }),
    ...(known.executing === undefined &&
      heard.executing !== undefined && { executing: heard.executing }),
    ...(known.report === undefined && heard.report !== undefined && { report: heard.report }),
  };
  return Object.keys(fresh).length === 0 ? undefined : fresh;
};
