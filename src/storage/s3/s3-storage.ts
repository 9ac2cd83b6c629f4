/** Files on S3 services. A key that ends with a slash, or has keys below it, is a folder. */
import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { withLinked } from '../../kernel/link-abort.ts';
import type { CallOptions } from '../../tasks/ports/call.ts';
import type { ObjectStorage, Stored, StoredEntry } from '../../tasks/ports/object-storage.ts';
import type { AddressGuard } from '../connect/address-guard.ts';
import { failed, missing } from '../connect/failures.ts';
import { createClients, isAnonymous, type Service } from './clients.ts';
import type { S3Endpoint } from './endpoint.ts';
import { failureOf, hasStatus } from './failures.ts';
import { createFolding, type ListedKey } from './listing.ts';
import { cutFor } from './parts.ts';
import { placeOf, urlOf, type Place } from './place.ts';
import { readObject } from './reading.ts';
import { createRoom } from './room.ts';
import { createSource } from './source.ts';
import { store } from './upload.ts';

export interface S3StorageOptions {
  /** The first one that has the bucket is used. */
  readonly endpoints: readonly S3Endpoint[];
  /** Hosts, addresses or CIDR ranges that URLs with keys in them may lead to without TLS. */
  readonly allow: readonly string[];
  readonly guard: AddressGuard;
  /** Longest time in which nothing moves. */
  readonly stallMs: number;
}

export interface S3Storage extends ObjectStorage {
  /** Presigned, for 7 days at most; plain where requests are not signed. None to a host that only the URL names: it might lead a job astray. */
  linkTo(url: string, seconds: number): Promise<string | undefined>;
}

/** Memory for the bodies of all uploads together. */
const ROOM = 48 * 1024 * 1024;

/** What a call is about. */
interface Subject extends Place, CallOptions {
  readonly url: string;
  readonly service: Service;
}

const orFailure = <Answer>(work: Promise<Answer>, { url, signal }: Subject): Promise<Answer> =>
  work.catch((error: unknown) => {
    throw failureOf(url, error, signal);
  });

const asFolder = (key: string): string => (key === '' || key.endsWith('/') ? key : `${key}/`);

const assertFile = ({ url, key }: Pick<Subject, 'url' | 'key'>): void => {
  if (key === '' || key.endsWith('/')) throw failed(url, 'the URL names a folder, not a file');
};

interface Page {
  readonly keys: readonly ListedKey[];
  readonly next?: string;
}

/** Keys come percent-encoded, for XML cannot hold all characters; services that do not know how send them as they are. */
const decoderOf = ({ EncodingType }: ListObjectsV2CommandOutput): ((key: string) => string) =>
  EncodingType === 'url' ? (key) => decodeURIComponent(key.replaceAll('+', ' ')) : (key) => key;

const pageOf = (answer: ListObjectsV2CommandOutput, prefix: string): Page => {
  const decode = decoderOf(answer);
  const keys = (answer.Contents ?? []).flatMap(({ Key, Size }) => {
    const key = decode(Key ?? '');
    return key.startsWith(prefix) ? [{ key: key.slice(prefix.length), size: Size ?? 0 }] : [];
  });
  const { IsTruncated, NextContinuationToken: next } = answer;
  return { keys, ...(IsTruncated === true && next !== undefined ? { next } : {}) };
};

const listPage = async (
  subject: Subject,
  { after, most }: { readonly after?: string; readonly most?: number },
): Promise<Page> => {
  const { service, bucket, key, signal } = subject;
  const prefix = asFolder(key);
  const command = new service.sdk.ListObjectsV2Command({
    Bucket: bucket,
    Prefix: prefix,
    EncodingType: 'url',
    ...(after === undefined ? {} : { ContinuationToken: after }),
    ...(most === undefined ? {} : { MaxKeys: most }),
  });
  const work = service.calls.send(command, { abortSignal: signal });
  return orFailure(
    work.then((answer) => pageOf(answer, prefix)),
    subject,
  );
};

/** An empty bucket is there; below it a folder is there only with something in it. */
const statFolder = async (subject: Subject): Promise<Stored> => {
  const { keys } = await listPage(subject, { most: 1 });
  if (keys.length === 0 && subject.key !== '') throw missing(subject.url);
  return { kind: 'folder' };
};

const stat = async (subject: Subject): Promise<Stored> => {
  const { service, bucket, key, url, signal } = subject;
  if (asFolder(key) === key) return statFolder(subject);
  const command = new service.sdk.HeadObjectCommand({ Bucket: bucket, Key: key });
  try {
    const found = await service.calls.send(command, { abortSignal: signal });
    const { ContentLength: size, ETag: version } = found;
    return {
      kind: 'file',
      ...(size === undefined ? {} : { size }),
      ...(version === undefined ? {} : { version }),
    };
  } catch (error) {
    if (!signal.aborted && hasStatus(error, 404)) return statFolder(subject);
    throw failureOf(url, error, signal);
  }
};

/**
 * Keys with empty, `.` or `..` segments cannot be paths. The others are listed, then the listing fails and says how many were left out: a
 * task that ran without some of its input would be worse than one that did not run.
 */
async function* list(subject: Subject): AsyncGenerator<StoredEntry, void> {
  const { url, key } = subject;
  const folding = createFolding();
  let any = false;
  let unfit = 0;
  let after: string | undefined;
  do {
    const page: Page = await listPage(subject, after === undefined ? {} : { after });
    for (const listed of page.keys) {
      any = true;
      const found = folding.add(listed);
      if (found === undefined) unfit += 1;
      for (const entry of found ?? []) {
        const path = asFolder(key) + entry.path.join('/');
        yield { ...entry, url: urlOf(subject, entry.kind === 'folder' ? `${path}/` : path) };
      }
    }
    if (page.next !== undefined && page.next === after) {
      throw failed(url, 'the listing does not go on');
    }
    after = page.next;
  } while (after !== undefined);
  if (!any && key !== '') throw missing(url);
  if (unfit > 0) {
    throw failed(
      url,
      `${String(unfit)} of its keys cannot be paths: a segment is empty, "." or ".."`,
    );
  }
}

const makeFolder = async (subject: Subject): Promise<void> => {
  const { service, bucket, key, signal } = subject;
  if (key === '') return;
  const input = { Bucket: bucket, Key: asFolder(key), Body: Buffer.alloc(0), ContentLength: 0 };
  const command = new service.sdk.PutObjectCommand(input);
  await orFailure(service.calls.send(command, { abortSignal: signal }), subject);
};

const MOST_SECONDS = 7 * 24 * 3600;

const presign = async (subject: Omit<Subject, 'signal'>, seconds: number): Promise<string> => {
  const { service, bucket, key, endpoint } = subject;
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const command = new service.sdk.GetObjectCommand({ Bucket: bucket, Key: key });
  const options = { expiresIn: Math.min(seconds, MOST_SECONDS) };
  const signed = await getSignedUrl(service.calls, command, options);
  return isAnonymous(endpoint) ? signed.replace(/\?.*$/s, '') : signed;
};

export const createS3Storage = (options: S3StorageOptions): S3Storage => {
  const { stallMs } = options;
  const clients = createClients(options.guard, stallMs);
  const room = createRoom(ROOM);

  const at = async <Options extends Partial<CallOptions>>(url: string, call: Options) => {
    const place = placeOf(url, options);
    return { ...place, ...call, url, service: await clients.at(place) };
  };

  return {
    stat: async (url, call) => stat(await at(url, call)),
    async read(url, call) {
      const subject = await at(url, call);
      assertFile(subject);
      return readObject({ ...subject, stallMs });
    },
    async *list(url, call) {
      yield* list(await at(url, call));
    },
    write: (url, body, { size, signal: outer }) =>
      withLinked([outer], async (signal, abort) => {
        const bounds = { url, stallMs, signal, ...(size === undefined ? {} : { size }) };
        const source = createSource(body, bounds);
        try {
          const subject = await at(url, { signal });
          assertFile(subject);
          return await store({ ...subject, source, room, abort, stallMs }, cutFor(size));
        } finally {
          await source.close();
        }
      }),
    makeFolder: async (url, call) => makeFolder(await at(url, call)),
    async linkTo(url, seconds) {
      const subject = await at(url, {});
      if (subject.foreignHost !== undefined) return undefined;
      assertFile(subject);
      return presign(subject, seconds);
    },
    close() {
      clients.close();
      return Promise.resolve();
    },
  };
};
