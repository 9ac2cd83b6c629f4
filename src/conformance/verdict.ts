/** What a check may come to, and the few judgements that all checks share. No I/O. */
import type { Answer } from './http.ts';

/** How much the reference asks: the document or the public suite (MUST), known clients (SHOULD), Magnetar's own reading (informative). */
export type Level = 'MUST' | 'SHOULD' | 'informative';

/** `choice`: the document leaves it open, and this server does it otherwise than Magnetar. */
export type Result = 'pass' | 'fail' | 'skipped' | 'choice';

export interface Verdict {
  readonly result: Exclude<Result, 'fail'>;
  readonly note?: string;
  /** The exchange that shows it; absent = the last one. */
  readonly answer?: Answer;
}

/** An assertion that does not hold. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly answer: Answer | undefined;

  constructor(message: string, answer?: Answer) {
    super(message);
    this.answer = answer;
  }
}

/** An assertion that cannot be tried here, and why. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export const pass = (note?: string): Verdict =>
  note === undefined ? { result: 'pass' } : { result: 'pass', note };

export const choice = (note: string, answer?: Answer): Verdict => ({
  result: 'choice',
  note,
  ...(answer === undefined ? {} : { answer }),
});

export const assertThat: (holds: boolean, message: string, answer?: Answer) => asserts holds = (
  holds,
  message,
  answer,
) => {
  if (!holds) throw new Failure(message, answer);
};

export const assertStatus = (answer: Answer, status: number, what = ''): void => {
  assertThat(
    answer.status === status,
    `${what}${what === '' ? '' : ': '}expected ${String(status)}, got ${String(answer.status)}`,
    answer,
  );
};

/** For what the document leaves open: the wanted status passes, another is a choice, a fault of the server is none. */
export const weigh = (answer: Answer, wanted: number, what: string): Verdict => {
  assertThat(answer.status < 500, `${what}: a fault of the server`, answer);
  return answer.status === wanted
    ? pass()
    : choice(`${what} is answered ${String(answer.status)}, not ${String(wanted)}`, answer);
};

/** The first that is no pass, else a pass. */
export const worst = (verdicts: readonly Verdict[]): Verdict =>
  verdicts.find(({ result }) => result !== 'pass') ?? pass();

export const contentType = ({ headers }: Answer): string => headers['content-type'] ?? '';

export const assertJson = (answer: Answer): void => {
  assertThat(/^application\/json\b/i.test(contentType(answer)), 'not application/json', answer);
  assertThat(answer.json !== undefined, 'the body is not JSON', answer);
};
