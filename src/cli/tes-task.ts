/** Reads the tasks of any TES server leniently: what is missing is absent, what is unknown is passed on. */
import { isRecord } from '../kernel/json.ts';

export interface TesExecutorLog {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TesAttempt {
  readonly executors: readonly TesExecutorLog[];
  readonly systemLogs: readonly string[];
}

export interface TesTask {
  readonly id: string;
  readonly state: string;
  readonly name: string;
  readonly created: string;
  readonly commands: readonly (readonly string[])[];
  readonly attempts: readonly TesAttempt[];
}

type Json = Readonly<Record<string, unknown>>;

const record = (value: unknown): Json => (isRecord(value) ? value : {});

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

const texts = (value: unknown): readonly string[] =>
  list(value).filter((item) => typeof item === 'string');

const readExecutorLog = (value: unknown): TesExecutorLog => {
  const log = record(value);
  const exitCode = log['exit_code'];
  return {
    exitCode: typeof exitCode === 'number' ? exitCode : undefined,
    stdout: text(log['stdout']),
    stderr: text(log['stderr']),
  };
};

const readAttempt = (value: unknown): TesAttempt => {
  const attempt = record(value);
  return {
    executors: list(attempt['logs']).map(readExecutorLog),
    systemLogs: texts(attempt['system_logs']),
  };
};

export const readTask = (value: unknown): TesTask => {
  const task = record(value);
  return {
    id: text(task['id']),
    state: text(task['state']) || 'UNKNOWN',
    name: text(task['name']),
    created: text(task['creation_time']),
    commands: list(task['executors']).map((executor) => texts(record(executor)['command'])),
    attempts: list(task['logs']).map(readAttempt),
  };
};

export interface TesPage {
  readonly tasks: readonly unknown[];
  readonly next: string;
}

export const readPage = (value: unknown): TesPage => {
  const page = record(value);
  return { tasks: list(page['tasks']), next: text(page['next_page_token']) };
};

export const readId = (value: unknown): string => text(record(value)['id']);

/** Whether an error body explains itself field by field. */
export const hasErrorDetails = (body: string): boolean => {
  try {
    return list(record(JSON.parse(body) as unknown)['details']).length > 0;
  } catch {
    return false;
  }
};

/** The machine's part of an error body; empty where there is none. */
export const readErrorCode = (body: string): string => {
  try {
    return text(record(JSON.parse(body) as unknown)['code']);
  } catch {
    return '';
  }
};

/** The human part of an error body, whatever its shape. */
export const readErrorText = (body: string): string => {
  try {
    const error = record(JSON.parse(body) as unknown);
    const nested = text(record(error['error'])['message']);
    const message = [error['message'], error['detail'], error['msg'], error['error']]
      .map(text)
      .find((one) => one !== '');
    const said = nested || (message ?? body);
    const details = list(error['details'])
      .map(record)
      .map(({ field, message: problem }) => [text(field), text(problem)])
      .filter((detail) => said !== detail.join(' ') && said !== detail.join(': '));
    return [said, ...details.map((detail) => `\n  ${detail.join(': ')}`)].join('');
  } catch {
    return body.slice(0, 500);
  }
};
