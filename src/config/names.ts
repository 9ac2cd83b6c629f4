/** `{user}` in a path means one person only while all names come from one place. */
import { placeIn } from '../tasks/grants.ts';
import type { KeyProblem } from './convict-schema.ts';
import { allRoots } from './file-roots.ts';
import type { AuthConfig, StorageConfig } from './types.ts';

const USER = '{user}';

/** Places that give names: the users and tokens of this server, and each issuer. */
const sourcesOf = ({ modes, issuers }: Pick<AuthConfig, 'modes' | 'issuers'>): number =>
  (modes.some((mode) => mode !== 'oidc') ? 1 : 0) + (modes.includes('oidc') ? issuers.length : 0);

/** Two users of the same name would share a folder. */
export const nameProblems = (
  { file, s3 }: Pick<StorageConfig, 'file' | 's3'>,
  auth: Pick<AuthConfig, 'modes' | 'issuers'>,
): readonly KeyProblem[] => {
  if (sourcesOf(auth) < 2) return [];
  const patterns = [
    ...allRoots(file).map(({ path }) => ({ key: 'storage.file', path })),
    ...s3.flatMap(({ buckets }, i) =>
      buckets.map((path) => ({ key: `storage.s3[${String(i)}].buckets`, path })),
    ),
  ];
  return patterns
    .filter(({ path }) => placeIn(path) !== -1 && path.includes(USER))
    .map(({ key, path }) => ({
      key,
      message: `${path} holds {user}, but users come from several places and may have the same name; write "allow" with a path for each`,
    }));
};
