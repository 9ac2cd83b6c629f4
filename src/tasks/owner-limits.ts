/** How many tasks one owner may have waiting and stored: judged when a task is created, by counts that cost no scan. */
import { MagnetarError, type ErrorCode } from '../kernel/errors.ts';
import type { OwnerId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { TaskStore, Usage } from './ports/task-store.ts';

interface Rule {
  readonly count: keyof Usage;
  readonly code: ErrorCode;
  readonly what: string;
  readonly advice: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Tasks wait for a while, so that it helps to come back (RFC 6585, 4); stored ones stay, so that it does not (RFC 9110, 15.5.4). */
const RULES: readonly Rule[] = [
  {
    count: 'stored',
    code: 'QUOTA_REACHED',
    what: 'stored',
    advice: 'ask the operator for more',
    headers: {},
  },
  {
    count: 'queued',
    code: 'LIMIT_REACHED',
    what: 'waiting',
    advice: 'try again when some have started',
    headers: { 'retry-after': '30' },
  },
];

const refusal = (rule: Rule, use: number, limit: number): MagnetarError =>
  new MagnetarError(
    rule.code,
    `you have ${String(use)} ${rule.what} tasks of at most ${String(limit)}; ${rule.advice}`,
    { headers: rule.headers },
  );

/** Whether an error says that the caller has too many tasks. */
export const isOverLimit = (error: unknown): boolean =>
  error instanceof MagnetarError && RULES.some(({ code }) => code === error.code);

export interface Admission {
  /** Does the work, which creates a task, when the owner may have one more. @throws MagnetarError LIMIT_REACHED, QUOTA_REACHED */
  admit<Result>(owner: OwnerId, work: () => Promise<Result>, options: CallOptions): Promise<Result>;
}

/** A limit of 0 is none. What this process is about to create counts; of several servers each may let one more through at the same moment. */
export const createAdmission = (store: Pick<TaskStore, 'usage'>, limits: Usage): Admission => {
  const rules = RULES.filter(({ count }) => limits[count] > 0);
  const underWay = new Map<OwnerId, number>();

  const count = (owner: OwnerId, change: 1 | -1): number => {
    const now = (underWay.get(owner) ?? 0) + change;
    if (now === 0) underWay.delete(owner);
    else underWay.set(owner, now);
    return now;
  };

  const assertRoom = async (owner: OwnerId, others: number, options: CallOptions) => {
    const usage = await store.usage(owner, limits, options);
    const full = rules.find((rule) => usage[rule.count] + others >= limits[rule.count]);
    if (full !== undefined) throw refusal(full, usage[full.count], limits[full.count]);
  };

  return {
    async admit(owner, work, options) {
      if (rules.length === 0) return work();
      const others = count(owner, 1) - 1;
      try {
        await assertRoom(owner, others, options);
        return await work();
      } finally {
        count(owner, -1);
      }
    },
  };
};
