/** Runs checks one after another within a time, and leaves the server as it was but for ended tasks. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Check } from './check.ts';
import { NoAnswer, type Answer, type HttpRequest } from './http.ts';
import { createLab, idsIn, inParallel, type Lab, type LabOptions } from './lab.ts';
import { Failure, Skipped, type Level, type Result } from './verdict.ts';
import { isEnded } from './watch.ts';

export interface Line {
  readonly id: string;
  readonly level: Level;
  readonly title: string;
  readonly result: Result;
  /** Why, where the result alone does not say it. */
  readonly note?: string;
  /** Requests of the check; the one shown is the last, or the one that decided. */
  readonly requests?: number;
  readonly sent?: string;
  readonly came?: string;
}

export interface Report {
  readonly lines: readonly Line[];
  readonly tasks: { readonly created: number; readonly left: readonly string[] };
}

export interface RunOptions extends Omit<LabOptions, 'signal'> {
  readonly checks: readonly Check[];
  /** For all checks together; the clean-up has its own. */
  readonly timeoutMs: number;
  /** Of the user; the clean-up still runs. */
  readonly stop: AbortSignal;
  readonly onStart: (check: Check) => void;
  readonly onLine: (line: Line) => void;
  readonly onCleanUp: () => void;
}

const SHOWN_CHARS = 160;

const short = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHOWN_CHARS ? `${line.slice(0, SHOWN_CHARS)}…` : line;
};

const sentOf = ({ method, url, body, headers }: HttpRequest): string => {
  const { pathname, search } = new URL(url);
  const shown = Object.entries(headers).filter(([name]) => name !== 'authorization');
  const extra = shown.map(([name, value]) => `${name}: ${value}`).join(', ');
  const head = extra === '' ? '' : ` (${extra})`;
  return short(`${method} ${pathname}${search}${head} ${(body ?? '').slice(0, SHOWN_CHARS)}`);
};

const cameOf = ({ status, text }: Answer): string =>
  short(`${String(status)} ${text.slice(0, SHOWN_CHARS * 2)}`);

type Outcome = Omit<Line, 'id' | 'level' | 'title'>;

const evidence = (lab: Lab, chosen: Answer | undefined): Partial<Outcome> => {
  const trail = lab.trail();
  const answer = chosen ?? trail.at(-1);
  if (answer === undefined) return {};
  return { requests: trail.length, sent: sentOf(answer.request), came: cameOf(answer) };
};

/** What an error of a check means; anything unknown is a fault of this program. */
const outcomeOf = (error: unknown, lab: Lab): Outcome => {
  if (error instanceof Skipped) return { result: 'skipped', note: error.message };
  if (error instanceof Failure) {
    return {
      result: 'fail',
      note: error.message,
      ...evidence(lab, error.answer),
    };
  }
  if (error instanceof NoAnswer) {
    return { result: 'fail', note: error.message, sent: sentOf(error.request), came: '' };
  }
  throw error;
};

const runCheck = async (
  check: Check,
  lab: Lab,
  ended: () => string | undefined,
): Promise<Outcome> => {
  const note = ended();
  if (note !== undefined) return { result: 'skipped', note };
  lab.begin();
  try {
    const verdict = (await check.test(lab)) ?? { result: 'pass' as const };
    return {
      result: verdict.result,
      ...(verdict.note === undefined ? {} : { note: verdict.note }),
      ...evidence(lab, verdict.answer),
    };
  } catch (error) {
    const reason = ended();
    return reason === undefined ? outcomeOf(error, lab) : { result: 'skipped', note: reason };
  }
};

const CLEANUP_MS = 60_000;
const CLEANUP_PAUSE_MS = 500;

/** Tasks of this run, also those of creates whose answer was lost. */
const tasksOf = async (known: Lab, lab: Lab): Promise<readonly string[]> => {
  const query = [['name_prefix', known.prefix] as const, ['page_size', '1000'] as const];
  const lost = await lab.list(query).then(idsIn, () => []);
  return [...new Set([...known.made(), ...lost])].filter((id) => !isEnded(known.watch.stateOf(id)));
};

/** Cancels what this run has made and what has not ended; answers what is left. */
const cleanUp = async (options: RunOptions, known: Lab): Promise<readonly string[]> => {
  const signal = AbortSignal.timeout(Math.min(CLEANUP_MS, options.taskMs));
  const lab = createLab({ ...options, signal });
  let left = await tasksOf(known, lab);
  try {
    await inParallel(left, async (id) => {
      await lab.cancel(id);
    });
    while (left.length > 0) {
      await inParallel(left, async (id) => {
        await lab.get(id);
      });
      left = left.filter((id) => !isEnded(lab.watch.stateOf(id)));
      if (left.length > 0) await sleep(CLEANUP_PAUSE_MS, undefined, { signal });
    }
  } catch (error) {
    if (!(error instanceof NoAnswer) && !signal.aborted) throw error;
  }
  return left;
};

/** Answers a line for each check, in the order of the run. */
export const runChecks = async (options: RunOptions): Promise<Report> => {
  const late = AbortSignal.timeout(options.timeoutMs);
  const signal = AbortSignal.any([late, options.stop]);
  const seconds = String(options.timeoutMs / 1000);
  const ended = (): string | undefined => {
    if (options.stop.aborted) return 'stopped by the user';
    return late.aborted ? `no time left of ${seconds} s (--timeout)` : undefined;
  };
  const lab = createLab({ ...options, signal });
  const lines: Line[] = [];
  let left: readonly string[] = [];
  const { checks } = options;
  try {
    for (const check of [
      ...checks.filter(({ last }) => !last),
      ...checks.filter(({ last }) => last),
    ]) {
      options.onStart(check);
      const { id, level, title } = check;
      const line: Line = { id, level, title, ...(await runCheck(check, lab, ended)) };
      lines.push(line);
      options.onLine(line);
    }
  } finally {
    options.onCleanUp();
    left = await cleanUp(options, lab);
  }
  return { lines, tasks: { created: lab.made().length, left } };
};
