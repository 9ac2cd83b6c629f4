/** Every period and limit of the dispatcher, in milliseconds, as data; tests shorten them. */
import type { BackoffPolicy } from '../kernel/backoff.ts';

export interface Timing {
  /** How often an owner proves that it lives. */
  readonly renewMs: number;
  /** An owner stops acting this long after it sent its last good renewal. */
  readonly actMs: number;
  /** A candidate takes over when the beat has not changed for this long by its own clock. */
  readonly takeOverMs: number;
  /** How often the epoch is stamped again, to find a late claim by a former owner. */
  readonly stampMs: number;
  /** Safety net under the nudges: how often waiting tasks and debts are looked for. */
  readonly sweepMs: number;
  /** A destination of another server counts as one that may run tasks until its lease has stood still for this long. */
  readonly absentMs: number;
  /** On a shared store a kind of tasks must have fitted nowhere for this long before it is ended: a server that just starts tells of its destinations first. */
  readonly misfitMs: number;
  /** Polls of a job that gives no sign of its own. */
  readonly poll: BackoffPolicy;
  /** Without a sign for this long, report and heartbeat are fetched. */
  readonly quietMs: number;
  /** Without a changing heartbeat for this long, a started job is lost. */
  readonly silenceMs: number;
  /** A job that Pulsar took must give its first sign within this. */
  readonly startMs: number;
  /** What a job says that it moves is written at most this often. */
  readonly progressMs: number;
  /** After Pulsar called a job over, a report may follow, or a heartbeat prove that it lives. */
  readonly settleMs: number;
  /** A cancelled job that was set up but not launched after this long is removed. */
  readonly launchMs: number;
  /** On top of `limits.grace_s`: what a runner may take to hear that it shall stop, and to report; then Pulsar kills it. */
  readonly stopMs: number;
  /** Looks at a job that shall end, and repeated kills. */
  readonly kill: BackoffPolicy;
  /** A cancelled task is shown as such although its Pulsar has been unreachable for this long. */
  readonly giveUpKillMs: number;
  /** A result whose list of outputs is not whole waits this long for a Pulsar that does not hand it out. */
  readonly collectMs: number;
  /** Repeated calls to a Pulsar that does not answer. */
  readonly unreachable: BackoffPolicy;
  /** How often a long transfer by this server looks whether it is still wanted. */
  readonly wantedMs: number;
  /** Repeated tries to move one file between a storage and a job. */
  readonly transfer: BackoffPolicy;
  /** Outputs that wait in a job are waited for this long while its Pulsar hands out none. */
  readonly handOutMs: number;
}

export const DEFAULT_TIMING: Timing = {
  renewMs: 2_000,
  actMs: 7_000,
  takeOverMs: 10_000,
  stampMs: 5_000,
  sweepMs: 1_000,
  absentMs: 600_000,
  misfitMs: 30_000,
  poll: { firstMs: 1_000, factor: 1.6, maxMs: 10_000 },
  quietMs: 20_000,
  silenceMs: 90_000,
  startMs: 120_000,
  progressMs: 10_000,
  settleMs: 8_000,
  launchMs: 2_000,
  stopMs: 2_000,
  kill: { firstMs: 100, factor: 1.5, maxMs: 2_000 },
  giveUpKillMs: 300_000,
  collectMs: 60_000,
  unreachable: { firstMs: 250, factor: 2, maxMs: 10_000 },
  wantedMs: 1_000,
  transfer: { firstMs: 250, factor: 2, maxMs: 30_000 },
  handOutMs: 3_600_000,
};

/** Tries to move one file between a storage and a job: about two minutes. */
export const TRANSFER_TRIES = 10;

/** Attempts of a task whose job was lost before a container ran (DESIGN section 4); afterwards one is all. */
export const MAX_ATTEMPTS = 3;

/** Jobs of one attempt: Pulsar may lose what it was sent, but not for ever. */
export const MAX_TRIES = 3;
