/** What the runner leaves below the job's `metadata/` (docs/runner.md); the full logs are named in full-logs.ts. */

export const METADATA_FILES = {
  report: 'tes/report.json',
  heartbeat: 'tes/heartbeat.json',
  /** The watchdog's mark. */
  killed: 'tes/killed',
  /** All rows of a list of outputs that was too long for the report. */
  outputs: 'tes/outputs.jsonl',
  /** Outputs that wait for this server. */
  pushed: 'tes/pushed.jsonl',
} as const;

/** Far more than a heartbeat takes. */
export const HEARTBEAT_MAX_BYTES = 4096;
