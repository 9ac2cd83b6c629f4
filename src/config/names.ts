/** `{user}` and `{group}` in a path mean one person and one group only while all names come from one place. */
import type { KeyProblem } from './convict-schema.ts';
import { allRoots } from './file-roots.ts';
import type { AuthConfig, StorageConfig } from './types.ts';

type Naming = Pick<AuthConfig, 'modes' | 'issuers'>;

const issuersOf = ({ modes, issuers }: Naming): number =>
  modes.includes('oidc') ? issuers.length : 0;

/** Where names come from: users and tokens of this server, which have no groups, and each issuer. */
const SOURCES: readonly { readonly place: string; readonly count: (auth: Naming) => number }[] = [
  {
    place: '{user}',
    count: (auth) => issuersOf(auth) + (auth.modes.some((mode) => mode !== 'oidc') ? 1 : 0),
  },
  { place: '{group}', count: issuersOf },
];

/** Two of the same name would share a folder. */
export const nameProblems = (
  { file, s3 }: Pick<StorageConfig, 'file' | 's3'>,
  auth: Naming,
): readonly KeyProblem[] => {
  const patterns = [
    ...allRoots(file).map(({ path }) => ({ key: 'storage.file', path })),
    ...s3.flatMap(({ buckets }, i) =>
      buckets.map((path) => ({ key: `storage.s3[${String(i)}].buckets`, path })),
    ),
  ];
  return SOURCES.filter(({ count }) => count(auth) > 1).flatMap(({ place }) =>
    patterns
      .filter(({ path }) => path.includes(place))
      .map(({ key, path }) => ({
        key,
        message: `${path} holds ${place}, but names come from several places and two may be the same; write an entry with "allow" for each`,
      })),
  );
};
