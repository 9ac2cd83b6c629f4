/** The one answer for a task that is not there and for a task of somebody else (T54, T82). */
import { MagnetarError } from '../kernel/errors.ts';

export const taskUnknown = (): MagnetarError =>
  new MagnetarError('TASK_UNKNOWN', 'there is no task with this id');
