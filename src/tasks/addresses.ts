/** Which hosts belong to the public internet: address arithmetic, no look-ups. */

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** Ranges that are not public, by the IANA special-purpose registries. */
const SPECIAL_RANGES = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.88.99.0/24', '192.168.0.0/16', '198.18.0.0/15'],
  ...['198.51.100.0/24', '203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4'],
  ...[
    '::/8',
    '64:ff9b::/96',
    '64:ff9b:1::/48',
    '100::/64',
    '2001::/23',
    '2001:db8::/32',
    '2002::/16',
  ],
  ...['3fff::/20', '5f00::/16', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
] as const;

const parseV4 = (text: string): bigint | undefined => {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const bytes = text.split('.').map(Number);
  return bytes.some((byte) => byte > 255)
    ? undefined
    : bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n);
};

const groupsOf = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));

/** `::ffff:127.0.0.1` written with groups only. */
const withoutDots = (text: string): string => {
  const last = text.slice(text.lastIndexOf(':') + 1);
  const v4 = parseV4(last);
  return v4 === undefined
    ? text
    : text.slice(0, -last.length) + `${(v4 >> 16n).toString(16)}:${(v4 & 0xffffn).toString(16)}`;
};

const parseV6 = (text: string): bigint | undefined => {
  if (!text.includes(':')) return undefined;
  const [head = '', tail, more] = withoutDots(text).split('::');
  if (more !== undefined) return undefined;
  const front = groupsOf(head);
  const back = groupsOf(tail ?? '');
  const missing = 8 - front.length - back.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...Array<string>(missing).fill('0'), ...back];
  return groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))
    ? groups.reduce((value, group) => value * 65_536n + BigInt(`0x${group}`), 0n)
    : undefined;
};

const MAPPED_V4 = 0xffffn;

const parseAddress = (text: string): Address | undefined => {
  const v4 = parseV4(text);
  if (v4 !== undefined) return { bits: 32, value: v4 };
  const v6 = parseV6(text);
  if (v6 === undefined) return undefined;
  return v6 >> 32n === MAPPED_V4 ? { bits: 32, value: v6 & 0xffffffffn } : { bits: 128, value: v6 };
};

const inRange = (address: Address, range: string): boolean => {
  const [base = '', length] = range.split('/');
  const start = parseAddress(base);
  if (start?.bits !== address.bits) return false;
  const prefix = length === undefined ? address.bits : Number(length);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > address.bits) return false;
  const shift = BigInt(address.bits - prefix);
  return address.value >> shift === start.value >> shift;
};

/** Host of a URL without brackets and final dot, lower case. */
const bareHost = (host: string): string =>
  host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
    .toLowerCase();

/** Whether a host is this very machine by its name or address. */
export const isLoopback = (host: string): boolean => {
  const bare = bareHost(host);
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  const address = parseAddress(bare);
  return address !== undefined && ['127.0.0.0/8', '::1'].some((range) => inRange(address, range));
};

/** https, or http that stays on this machine: where a secret may be sent. */
export const isSecureUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
};

/** Whether a text is an address or a range of them, such as `10.0.0.0/8`. */
export const isNetwork = (text: string): boolean => {
  const address = parseAddress(text.split('/')[0] ?? '');
  return address !== undefined && inRange(address, text);
};

/** Whether a host is a private, local or reserved address, or this machine's name. Other names must be resolved to be known. */
export const isSpecialHost = (host: string): boolean => {
  if (isLoopback(host)) return true;
  const address = parseAddress(bareHost(host));
  return address !== undefined && SPECIAL_RANGES.some((range) => inRange(address, range));
};

/** Whether an entry of an allow-list (name, address or CIDR range) covers the host. */
export const isAllowedHost = (host: string, allowed: readonly string[]): boolean => {
  const bare = bareHost(host);
  const address = parseAddress(bare);
  return allowed.some(
    (entry) => bareHost(entry) === bare || (address !== undefined && inRange(address, entry)),
  );
};
