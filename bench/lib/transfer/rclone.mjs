/** rclone, built once from its Go module into `.cache/`. */
import { tsImport } from 'tsx/esm/api';

const PROGRAM = { name: 'rclone', source: 'github.com/rclone/rclone', version: 'v1.75.1' };

/** Answers where it is; it is built before anything is timed. */
export const prepareRclone = async () => {
  const { goProgram } = await tsImport('../../../tests/support/go-program.ts', import.meta.url);
  return goProgram(PROGRAM);
};

/** `remote`: what stands for the shelf. */
export const rclone = (shelf) => {
  const { s3 } = shelf;
  const common = { ...process.env, RCLONE_CONFIG: '/dev/null' };
  if (s3 === undefined) {
    const credentials = shelf.curl[1] ?? '';
    const [user, ...password] = credentials.split(':');
    const url = new URL(`${shelf.base}/`);
    [url.username, url.password] = [user, encodeURIComponent(password.join(':'))];
    const env = { ...common, RCLONE_CONFIG_WEB_TYPE: 'http', RCLONE_CONFIG_WEB_URL: url.href };
    return { env, remote: 'web:' };
  }
  const env = {
    ...common,
    RCLONE_CONFIG_STORE_TYPE: 's3',
    RCLONE_CONFIG_STORE_PROVIDER: 'Other',
    RCLONE_CONFIG_STORE_ENDPOINT: s3.endpoint,
    RCLONE_CONFIG_STORE_ACCESS_KEY_ID: s3.accessKey,
    RCLONE_CONFIG_STORE_SECRET_ACCESS_KEY: s3.secretKey,
    RCLONE_CONFIG_STORE_NO_CHECK_BUCKET: 'true',
  };
  return { env, remote: 'store:bucket/' };
};
