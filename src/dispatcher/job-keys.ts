/** Keys of running jobs: HMACs of the install secret, so that nothing is stored and every process of an installation knows them. */
import { createHmac } from 'node:crypto';
import type { JobId } from '../tasks/ids.ts';

export interface JobKeys {
  /** Signs the beacons of a job; text. */
  readonly beacon: (job: JobId) => string;
  /** Opens the data of a job under `/files/<job>/`; text. */
  readonly relay: (job: JobId) => string;
}

export const createJobKeys = (installSecret: string): JobKeys => {
  const keyFor = (use: string) => (job: JobId) =>
    createHmac('sha256', installSecret).update(`${use}:${job}`).digest('base64url');
  return { beacon: keyFor('beacon'), relay: keyFor('relay') };
};
