/** Which addresses a URL may lead to: a name is resolved once, all its addresses are judged, and a judged one is what gets connected. */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { MagnetarError } from '../../kernel/errors.ts';
import { isAllowedHost, isSpecialHost } from '../../tasks/addresses.ts';
import { abortReason } from './failures.ts';

export interface AddressGuard {
  /**
   * Judges a host that needs no look-up: literal addresses and `localhost`. Agents connect to literals without asking `lookup`,
   * so whoever connects calls this first, at each redirect too. `host` as in URL.hostname.
   * @throws MagnetarError STORAGE_REFUSED
   */
  assertHost(host: string): void;
  /** For net.connect, tls.connect and the agents of node:http(s): answers judged addresses only. */
  readonly lookup: LookupFunction;
  /** The address to connect to; of several the first. @throws MagnetarError STORAGE_REFUSED, STORAGE_UNAVAILABLE */
  resolve(host: string, signal: AbortSignal): Promise<LookupAddress>;
}

export interface AddressGuardOptions {
  /** Names, addresses and CIDR ranges that may be used although they are private or local. */
  readonly allow: readonly string[];
  /** All addresses of a name; absent = as the system resolves it. */
  readonly addressesOf?: (name: string) => Promise<readonly LookupAddress[]>;
}

const systemAddresses = (name: string): Promise<readonly LookupAddress[]> =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, addresses) => {
      if (error === null) resolve(addresses);
      else reject(error);
    });
  });

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** An interface may follow an address, as in `fe80::1%eth0`. */
const withoutZone = (address: string): string => address.replace(/%.*$/, '');

/** The look-up goes on unheard when it is called off: the system offers no way to end it. */
const orAbort = <Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> =>
  new Promise((resolve, reject) => {
    const stop = (): void => reject(abortReason(signal));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work
      .finally(() => {
        signal.removeEventListener('abort', stop);
      })
      .then(resolve, reject);
  });

export const createAddressGuard = ({
  allow,
  addressesOf = systemAddresses,
}: AddressGuardOptions): AddressGuard => {
  const isRefused = (host: string): boolean => isSpecialHost(host) && !isAllowedHost(host, allow);

  const assertHost = (host: string): void => {
    if (!isRefused(withoutZone(withoutBrackets(host)))) return;
    throw new MagnetarError('STORAGE_REFUSED', `${host} is a private or local address`);
  };

  /** One address that may not be used spoils the name: which one a client gets is up to whoever owns the name. */
  const judged = async (host: string): Promise<readonly LookupAddress[]> => {
    assertHost(host);
    const found = await addressesOf(host).catch(() => []);
    if (found.length === 0) {
      throw new MagnetarError('STORAGE_UNAVAILABLE', `${host} cannot be resolved`);
    }
    if (isAllowedHost(host, allow)) return found;
    if (found.some(({ address }) => isRefused(withoutZone(address)))) {
      throw new MagnetarError('STORAGE_REFUSED', `${host} leads to a private or local address`);
    }
    return found;
  };

  const lookup: LookupFunction = (host, options, callback) => {
    judged(host).then(
      (found) => {
        const wanted = options.family === 4 || options.family === 6 ? options.family : undefined;
        const fitting = found.filter(({ family }) => wanted === undefined || family === wanted);
        const [first] = fitting;
        if (first === undefined) callback(Object.assign(new Error(), { code: 'ENOTFOUND' }), []);
        else if (options.all === true) callback(null, [...fitting]);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, []),
    );
  };

  return {
    assertHost,
    lookup,
    async resolve(host, signal) {
      assertHost(host);
      const bare = withoutBrackets(host);
      const family = isIP(bare);
      if (family !== 0) return { address: bare, family };
      const [first] = await orAbort(judged(host), signal);
      if (first === undefined) throw new TypeError('judged names have addresses');
      return first;
    },
  };
};
