/** Where a server of the chaos tests ends itself, as data that travels in an environment variable. */

export interface ChaosPoint {
  /** The call at which the process is killed with SIGKILL. */
  readonly call:
    'create' | 'write' | 'inbox' | 'wish' | 'submit' | 'check' | 'askToStop' | 'upload' | 'collect';
  readonly when: 'before' | 'after';
  /** Only a write of this state, of this point of the attempt, or of this fact. */
  readonly state?: string;
  readonly point?: string;
  readonly fact?: 'started' | 'executing' | 'report';
  /** Only the transfer of this file. */
  readonly file?: string;
}

export const CHAOS_VARIABLE = 'MAGNETAR_TEST_CHAOS';
