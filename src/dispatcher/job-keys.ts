/** Keys that runners sign with: HMACs of the install secret, so that nothing is stored and every process of an installation knows them. */
import { createHmac } from 'node:crypto';
import type { JobId } from '../tasks/ids.ts';

/** Key of one job's beacons, as text. */
export type JobKeys = (job: JobId) => string;

export const createJobKeys =
  (installSecret: string): JobKeys =>
  (job) =>
    createHmac('sha256', installSecret).update(`beacon:${job}`).digest('base64url');
