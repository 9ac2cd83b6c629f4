/** Builds the storages of a configuration: one row for each kind, with the schemes that it takes. */
import { createFileRoots } from '../config/file-roots.ts';
import { grantRulesOf, type StorageSetting } from '../config/settings.ts';
import type { Config, HttpHostConfig } from '../config/types.ts';
import { createAddressGuard } from '../storage/connect/address-guard.ts';
import { createDisk } from '../storage/file/disk.ts';
import { createFileStorage } from '../storage/file/file-storage.ts';
import { createFtpRules } from '../storage/ftp/ftp-rules.ts';
import { createFtpStorage } from '../storage/ftp/ftp-storage.ts';
import { createHttpRules } from '../storage/http/http-rules.ts';
import { createHttpStorage } from '../storage/http/http-storage.ts';
import { createS3Rules } from '../storage/s3/s3-rules.ts';
import { createS3Storage } from '../storage/s3/s3-storage.ts';
import type { Caller, GrantRules } from '../tasks/grants.ts';
import type { ObjectStorage } from '../tasks/ports/object-storage.ts';
import type { UrlRules } from '../tasks/ports/url-rules.ts';
import type { FindStorage } from '../tasks/relay.ts';
import { schemeOf } from '../tasks/urls.ts';

export interface Storages extends StorageSetting {
  readonly storageOf: FindStorage;
  close(): Promise<void>;
}

interface Kind {
  readonly schemes: readonly string[];
  readonly rules: UrlRules;
  readonly storage: ObjectStorage;
}

const FTP_CONNECTIONS = 8;

/** Configuration says '' for "none"; records leave the key out. */
const httpHost = ({ host, user, password, token, upload, allow }: HttpHostConfig) => ({
  host,
  upload,
  allow,
  ...(user === '' ? {} : { user, password }),
  ...(token === '' ? {} : { token }),
});

/** What all kinds are built with. */
interface Common {
  readonly storage: Config['storage'];
  readonly grants: GrantRules;
  readonly stallMs: number;
}

const commonOf = (config: Config): Common => ({
  storage: config.storage,
  grants: grantRulesOf(config),
  stallMs: config.limits.stall_s * 1000,
});

const http = ({ storage, grants, stallMs }: Common): Kind => {
  const { allow } = storage.http;
  const hosts = storage.http.hosts.map(httpHost);
  const guard = createAddressGuard({ allow });
  return {
    schemes: ['http', 'https'],
    rules: createHttpRules({ allow, hosts, grants }),
    storage: createHttpStorage({ guard, hosts, stallMs, answerMs: stallMs }),
  };
};

const ftp = ({ storage, grants, stallMs }: Common): Kind => {
  const { allow, hosts } = storage.ftp;
  const guard = createAddressGuard({ allow });
  return {
    schemes: ['ftp', 'ftps'],
    rules: createFtpRules({ allow, hosts, grants }),
    storage: createFtpStorage({ guard, hosts, stallMs, connections: FTP_CONNECTIONS }),
  };
};

/** S3 is HTTP: what the operator allows there holds here. */
const s3 = ({ storage, grants, stallMs }: Common): Kind => {
  const { allow } = storage.http;
  const place = { endpoints: storage.s3, allow };
  const guard = createAddressGuard({ allow });
  return {
    schemes: ['s3'],
    rules: createS3Rules({ ...place, grants }),
    storage: createS3Storage({ ...place, guard, stallMs }),
  };
};

const KINDS: readonly ((common: Common) => Kind)[] = [http, ftp, s3];

export const createStorages = (config: Config): Storages => {
  const common = commonOf(config);
  const { storage, grants, stallMs } = common;
  const kinds = KINDS.map((create) => create(common));
  const disk = createDisk(stallMs);
  const rootsFor = createFileRoots(storage.file, grants);
  const fileStorageFor = (caller: Caller) =>
    createFileStorage({ ...rootsFor(caller), stallMs, disk });
  const byScheme = new Map(kinds.flatMap((kind) => kind.schemes.map((name) => [name, kind])));
  return {
    schemes: Object.fromEntries([...byScheme].map(([name, { rules }]) => [name, rules])),
    rootsFor,
    storageOf(url, caller) {
      const scheme = schemeOf(url) ?? '';
      return scheme === 'file' ? fileStorageFor(caller) : byScheme.get(scheme)?.storage;
    },
    async close() {
      disk.close();
      await Promise.all(kinds.map((kind) => kind.storage.close()));
    },
  };
};
