/** What each text of a task must look like, as a table: place → rules. A rule answers what is wrong, or undefined. */
import { hasDotDot, segmentsOf } from '../urls.ts';
import { LIMITS } from './limits.ts';

export type TextRule = (text: string) => string | undefined;

/** Kernel folders: nothing of a task may lie on or below them. The same in runner/src/paths.py, as the next table. */
export const KERNEL_FOLDERS: readonly string[] = ['/proc', '/sys', '/dev'];

/** Folders of an image that cannot be replaced as a whole; files inside them are fine. */
export const SYSTEM_FOLDERS: ReadonlySet<string> = new Set(
  [
    '/ /bin /boot /etc /home /lib /lib32 /lib64 /libx32 /opt /root /run /sbin /srv /usr /usr/bin',
    '/usr/include /usr/lib /usr/lib32 /usr/lib64 /usr/libexec /usr/libx32 /usr/local /usr/local/bin',
    '/usr/local/lib /usr/local/sbin /usr/local/share /usr/sbin /usr/share /usr/src /var /var/cache',
    '/var/lib /var/log /var/run /var/tmp',
  ].flatMap((line) => line.split(' ')),
);

const REGISTRY_IMAGE = /^((docker|library|shub|oras):\/\/)?[A-Za-z0-9][A-Za-z0-9._/:@+-]*$/;
const IMAGE_FILE = /^\/[A-Za-z0-9._/:@+, =~-]+$/;

export const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

/** A rule against texts longer than `limit` bytes. */
export const atMost =
  (limit: number): TextRule =>
  (text) =>
    text.length * 3 > limit && bytesOf(text) > limit
      ? `is longer than ${String(limit)} bytes`
      : undefined;

const notEmpty: TextRule = (text) => (text === '' ? 'must not be empty' : undefined);

const absolute: TextRule = (text) =>
  text.startsWith('/') ? undefined : 'must be an absolute path';

const noDotDot: TextRule = (text) =>
  hasDotDot(text) ? 'must not contain a ".." segment' : undefined;

const shortNames: TextRule = (text) =>
  text.length > LIMITS.segmentBytes &&
  segmentsOf(text).some((segment) => bytesOf(segment) > LIMITS.segmentBytes)
    ? `has a name longer than ${String(LIMITS.segmentBytes)} bytes`
    : undefined;

const outsideKernel: TextRule = (text) => {
  const top = `/${segmentsOf(text)[0] ?? ''}`;
  return KERNEL_FOLDERS.includes(top) ? `must not lie in ${top}` : undefined;
};

export const notSystem: TextRule = (text) =>
  SYSTEM_FOLDERS.has(`/${segmentsOf(text).join('/')}`)
    ? 'is a system folder, which a task cannot replace; use a folder below it'
    : undefined;

const imageName: TextRule = (text) =>
  REGISTRY_IMAGE.test(text) || (IMAGE_FILE.test(text) && !hasDotDot(text))
    ? undefined
    : 'is not the name of an image';

const variableName: TextRule = (text) =>
  text === '' || text.includes('=') ? 'must be a variable name without "="' : undefined;

const PATH = [absolute, noDotDot, atMost(LIMITS.pathBytes), shortNames];
const PLACE = [...PATH, outsideKernel, notSystem];
const URL = [atMost(LIMITS.urlBytes)];

/** Rules of the text at each place; `*` stands for the values of a map, `{}` for its keys. */
export const TEXT_RULES: Readonly<Record<string, readonly TextRule[]>> = {
  name: [atMost(LIMITS.nameBytes)],
  description: [atMost(LIMITS.descriptionBytes)],
  'inputs[].name': [atMost(LIMITS.nameBytes)],
  'inputs[].description': [atMost(LIMITS.descriptionBytes)],
  'inputs[].url': URL,
  'inputs[].path': PLACE,
  'outputs[].name': [atMost(LIMITS.nameBytes)],
  'outputs[].description': [atMost(LIMITS.descriptionBytes)],
  'outputs[].url': [notEmpty, ...URL],
  'outputs[].path': PLACE,
  'outputs[].path_prefix': [atMost(LIMITS.pathBytes)],
  'executors[].image': [notEmpty, atMost(LIMITS.imageBytes), imageName],
  'executors[].command[]': [atMost(LIMITS.argumentBytes)],
  'executors[].workdir': PATH,
  'executors[].stdin': PLACE,
  'executors[].stdout': PLACE,
  'executors[].stderr': PLACE,
  'executors[].env{}': [variableName],
  'executors[].env.*': [atMost(LIMITS.argumentBytes)],
  'volumes[]': PLACE,
  'tags{}': [atMost(LIMITS.tagKeyBytes)],
  'tags.*': [atMost(LIMITS.tagValueBytes)],
  'resources.zones[]': [atMost(LIMITS.zoneBytes)],
  'resources.backend_parameters{}': [atMost(LIMITS.backendParameterBytes)],
  'resources.backend_parameters.*': [atMost(LIMITS.backendParameterBytes)],
};

/** Places whose text may hold NUL: the bytes of a file. */
const BYTES: ReadonlySet<string> = new Set(['inputs[].content']);

/** T45: text that no file name, argument or database takes. */
export const wellFormed = (place: string, text: string): string | undefined => {
  if (/\p{Surrogate}/u.test(text)) return 'is not valid Unicode: it has half of a surrogate pair';
  return text.includes('\0') && !BYTES.has(place) ? 'must not contain a NUL character' : undefined;
};
