/** Decoders of Pulsar's JSON, which it serves as text/html (protocol A.1). */
import { isRecord, type JsonRecord } from '../kernel/json.ts';
import type { JobStatus, PulsarStatus } from '../tasks/ports/job-transport.ts';

const STATUSES: ReadonlySet<string> = new Set<PulsarStatus>([
  'preprocessing',
  'queued',
  'running',
  'postprocessing',
  'complete',
  'cancelled',
  'failed',
  'lost',
]);

/** Enough for a traceback; the rest of Pulsar's error text is cut. */
const FAILURE_CHARS = 4000;

/** Written by Pulsar when it could not launch a job; outside the listed folders, so it is named as a dynamic file source (protocol A.5). */
export const FAILURE_FILE = '../stderr';

/** Undefined for anything that is not a JSON object. */
export const decodeObject = (body: Buffer): JsonRecord | undefined => {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const isStatus = (value: unknown): value is PulsarStatus =>
  typeof value === 'string' && STATUSES.has(value);

const sourceText = (answer: JsonRecord, path: string): string | undefined => {
  const sources: unknown = answer['realized_dynamic_file_sources'];
  if (!Array.isArray(sources)) return undefined;
  const source: unknown = sources.find((item) => isRecord(item) && item['path'] === path);
  const contents = isRecord(source) ? source['contents'] : undefined;
  return typeof contents === 'string' && contents !== '' ? contents : undefined;
};

/** Protocol A.5: `complete` is the text "true" or "false"; a null status is one Pulsar could not map. */
export const decodeStatus = (answer: JsonRecord, reportFile: string): JobStatus => {
  const word = answer['status'];
  const status: PulsarStatus = isStatus(word) ? word : 'unknown';
  const report = sourceText(answer, reportFile);
  const failure = status === 'failed' ? sourceText(answer, FAILURE_FILE) : undefined;
  return {
    status,
    final: answer['complete'] === 'true',
    ...(report === undefined ? {} : { report }),
    ...(failure === undefined ? {} : { failure: failure.trim().slice(-FAILURE_CHARS) }),
  };
};

/** The text under `key`, when there is one. */
export const textOf = (answer: JsonRecord | undefined, key: string): string | undefined => {
  const value = answer?.[key];
  return typeof value === 'string' ? value : undefined;
};
