/** Which job ids and file names may be put into a call: Pulsar itself would take `..` (protocol A.2). */

const JOB_ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;
const MAX_NAME_CHARS = 200;

/** Ids are made by this program: a wrong one is a programmer's error. */
export const assertJobId = (job: string): void => {
  if (!JOB_ID.test(job)) throw new TypeError(`not a job id for Pulsar: ${JSON.stringify(job)}`);
};

/** Relative path of plain segments; no segment starts with a dot. */
export const assertFileName = (name: string): void => {
  if (name.length > MAX_NAME_CHARS || !FILE_NAME.test(name)) {
    throw new TypeError(`not a file name for Pulsar: ${JSON.stringify(name)}`);
  }
};
