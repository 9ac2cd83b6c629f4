/** S3 services that send a checksum with a file. */
import { onTestFinished, expect, it } from 'vitest';
import { createAddressGuard } from '../../../src/storage/connect/address-guard.ts';
import { createS3Storage } from '../../../src/storage/s3/s3-storage.ts';
import type { ObjectStorage } from '../../../src/tasks/ports/object-storage.ts';
import { expectFailure, readText, startOrigin } from '../../support/storage/http-origin.ts';

const BYTES = '123456789';
/** The check value of CRC-32. */
const CRC32 = Buffer.from('cbf43926', 'hex').toString('base64');
const WRONG = Buffer.from('cbf43927', 'hex').toString('base64');

const serving = async (checksum: string, announced = BYTES.length): Promise<ObjectStorage> => {
  const { url } = await startOrigin((_, response) => {
    response.writeHead(200, {
      'content-length': announced,
      'x-amz-checksum-crc32': checksum,
      etag: '"1"',
    });
    response.write(BYTES, () => {
      if (announced > BYTES.length) response.destroy();
      else response.end();
    });
  });
  const endpoint = {
    name: 'odd',
    endpoint: url,
    region: 'us-east-1',
    path_style: true,
    buckets: [],
    access_key: 'key',
    secret_key: 'secret',
    credentials: 'none',
  } as const;
  const allow = ['127.0.0.1'];
  const guard = createAddressGuard({ allow });
  const storage = createS3Storage({ endpoints: [endpoint], allow, guard, stallMs: 10_000 });
  onTestFinished(() => storage.close());
  return storage;
};

it('takes bytes that agree with it', async () => {
  expect(await readText(await serving(CRC32), 's3://bucket/file')).toBe(BYTES);
});

it('fails on bytes that do not: a try that goes on behind them would keep them', async () => {
  const reading = readText(await serving(WRONG), 's3://bucket/file');
  const { message } = await expectFailure(reading, 'STORAGE_FAILED', 'secret');
  expect(message).toBe('s3://bucket/file: its bytes differ from the checksum it sends');
});

it('is worth another try when the connection is cut before', async () => {
  await expectFailure(
    readText(await serving(CRC32, 20), 's3://bucket/file'),
    'STORAGE_UNAVAILABLE',
  );
});
