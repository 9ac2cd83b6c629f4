/** The secrets of a task on their way into the store, sealed, and out of it to whoever moves its data. */
import { MagnetarError } from '../kernel/errors.ts';
import type { TaskId } from './ids.ts';
import type { CallOptions } from './ports/call.ts';
import type { SecretBox } from './ports/secret-box.ts';
import type { TaskStore } from './ports/task-store.ts';
import type { TaskSpec } from './spec.ts';
import type { Part, Task } from './task.ts';
import { cutSecrets, putSecrets, type UrlSecret } from './url-secrets.ts';
import type { Secrets } from './validation/secrets.ts';

/** Sealed and as text it is still well below the mebibyte that a part may have. */
const PIECE_BYTES = 512 * 1024;

/** Text that is the same for the same task, so that pieces of two tries of one creation fit together. */
interface Kept {
  readonly parameters: Secrets;
  readonly urls: readonly UrlSecret[];
}

const piecesOf = (kept: Kept): readonly Uint8Array[] => {
  const bytes = Buffer.from(JSON.stringify(kept));
  const count = Math.ceil(bytes.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, n) =>
    bytes.subarray(n * PIECE_BYTES, (n + 1) * PIECE_BYTES),
  );
};

const sorted = (secrets: Secrets): Secrets =>
  Object.fromEntries(Object.entries(secrets).sort(([a], [b]) => (a < b ? -1 : 1)));

export interface Sealing {
  /** What may be stored and shown. */
  readonly spec: TaskSpec;
  /** The rest, for the task of this id alone. */
  readonly partsFor: (task: TaskId) => readonly Part[];
}

/** Takes the secrets out of the URLs of a new task, and seals them with its secret parameters. */
export const sealSecrets = (
  box: SecretBox,
  whole: TaskSpec,
  parameters: Secrets | undefined,
): Sealing => {
  const { spec, secrets: urls } = cutSecrets(whole);
  if (urls.length === 0 && parameters === undefined) return { spec, partsFor: () => [] };
  const pieces = piecesOf({ parameters: sorted(parameters ?? {}), urls });
  return {
    spec: { ...spec, secret_parts: pieces.length },
    partsFor: (task) =>
      pieces.map((piece, index) => ({
        task,
        attempt: 0,
        kind: 'secret',
        index,
        text: box.seal({ task, index }, piece),
      })),
  };
};

export interface SecretDeps {
  readonly store: TaskStore;
  readonly box: SecretBox;
}

/**
 * The task as its client gave it, for whoever moves its data. What this returns is never stored or shown.
 * @throws MagnetarError SECRET_UNREADABLE
 */
export const wholeSpecOf = async (
  { store, box }: SecretDeps,
  { id, spec: stored }: Pick<Task, 'id' | 'spec'>,
  options: CallOptions,
): Promise<TaskSpec> => {
  const { secret_parts, ...spec } = stored;
  if (secret_parts === undefined) return spec;
  const parts = await store.parts([id], ['secret'], options);
  if (parts.length !== secret_parts) {
    throw new MagnetarError('SECRET_UNREADABLE', 'the secrets of the task are gone: it has ended');
  }
  const pieces = parts.map(({ index, text }) => box.open({ task: id, index }, text));
  const { urls } = JSON.parse(Buffer.concat(pieces).toString()) as Kept; // sealed by this server
  return putSecrets(spec, urls);
};
