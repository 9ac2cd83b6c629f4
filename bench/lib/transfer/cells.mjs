/** What is measured: which data goes which way over what, beside whom, and what is wanted of it. */
import { copy, curlKept, curlLoop, rcloneCopy } from './theirs.mjs';

/** Rates against theirs, at least. */
const CURL_LARGE = { name: 'curl', run: curlKept, atLeast: 0.9 };
const CURL_LOOP = { name: 'a loop of curl', run: curlLoop };
const CURL_KEPT = { name: 'one curl', run: curlKept };
const RCLONE = { name: 'rclone', run: rcloneCopy };
const CP = { name: 'cp', run: copy };

const MANY_AIMS = [
  { ...CURL_LOOP, atLeast: 5 },
  CURL_KEPT,
  { ...RCLONE, atLeast: 0.77 }, // within 1.3
];

const besides = (way, route, shape) => {
  const [scheme] = route.split(' ');
  if (scheme === 'file') return [CP];
  if (shape === 'large') return [CURL_LARGE, ...(scheme === 's3' ? [RCLONE] : [])];
  if (scheme === 'ftp') return [CURL_LOOP, CURL_KEPT];
  // rclone reads from web servers only
  return MANY_AIMS.filter(({ name }) => scheme === 's3' || way === 'in' || name !== 'rclone');
};

/** `direct` of a destination; S3 by links wherever it has `s3`. */
const DIRECT = ['http', 'https', 'ftp'];
const ROUTES = {
  'http direct': DIRECT,
  'http relay': DIRECT,
  's3 links': [...DIRECT, 's3'],
  's3 relay': DIRECT,
  'ftp direct': DIRECT,
  'ftp relay': DIRECT,
  'file mount': DIRECT,
};

/** Jobs store nothing over FTP themselves, and list no folders. */
const isThere = (way, route, shape) => {
  if (route === 's3 links') return way === 'in';
  if (route === 'ftp direct') return way === 'in' && shape !== 'tree';
  return !(route === 'http direct' && way === 'in' && shape === 'tree');
};

/** Which server measures the mount of a large file. */
export const MOUNT = {
  ...{ name: 'mount of 10 GiB', way: 'in', route: 'file mount', isFolder: false },
  direct: DIRECT,
};

export const CELLS = ['large', 'many', 'tree'].flatMap((shape) =>
  ['in', 'out'].flatMap((way) =>
    Object.entries(ROUTES)
      .filter(([route]) => isThere(way, route, shape))
      .map(([route, direct]) => ({
        name: `${shape} ${way}, ${route}`,
        ...{ way, route, shape, direct },
        besides: besides(way, route, shape),
        isFolder: shape === 'tree' || route === 'file mount',
      })),
  ),
);
