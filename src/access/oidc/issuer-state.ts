/** What is known of one issuer: its endpoints and keys, fetched together by whoever needs them first, and not too often. */
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../kernel/clock.ts';
import { MagnetarError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { fetchJson } from './fetch-json.ts';
import { discover, type Endpoint } from './metadata.ts';

export interface IssuerState {
  readonly endpoint: Endpoint;
  readonly keys: JWTVerifyGetKey;
}

export interface IssuerSource {
  /** @throws MagnetarError ISSUER_UNAVAILABLE while nothing is known of it */
  current(): Promise<IssuerState>;
  /** After a key that is not known: the issuer may have new ones. Asks at most once per cooldown, however many ask here. */
  renewed(): Promise<IssuerState>;
}

/** Rotation is noticed after this at the latest; most issuers announce keys a day ahead. */
const FRESH_MS = 10 * 60_000;
/** The last keys serve while an issuer is down, but not for ever: one of them may be stolen. */
const USABLE_MS = 24 * 60 * 60_000;
/** Least time between two requests. */
const COOLDOWN_MS = 30_000;
/** The same while nothing is known yet. */
const FIRST_COOLDOWN_MS = 2_000;

const isKeySet = (body: object): body is JSONWebKeySet =>
  'keys' in body && Array.isArray(body.keys);

const load = async (issuer: string): Promise<IssuerState> => {
  const endpoint = await discover(issuer);
  const { status, body } = await fetchJson(endpoint('jwks_uri'));
  if (status !== 200 || !isKeySet(body)) throw new Error('the issuer shows no keys');
  return { endpoint, keys: createLocalJWKSet(body) };
};

const unavailable = (issuer: string): MagnetarError =>
  new MagnetarError(
    'ISSUER_UNAVAILABLE',
    `the issuer ${issuer} cannot be reached, so that its tokens cannot be checked; try again`,
    { headers: { 'retry-after': '5' } },
  );

export interface IssuerSourceOptions {
  readonly issuer: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const createIssuerSource = ({
  issuer,
  clock,
  logger,
}: IssuerSourceOptions): IssuerSource => {
  let known: { readonly state: IssuerState; readonly at: number } | undefined;
  let asked = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;
  let isDown = false;

  const age = (since: number): number => clock.monotonic() - since;

  const ask = async (): Promise<void> => {
    try {
      known = { state: await load(issuer), at: clock.monotonic() };
      isDown = false;
    } catch (error) {
      isDown = true;
      logger.warn('an issuer of tokens cannot be asked', { issuer, error });
    }
  };

  const askUnlessJustDone = async (): Promise<void> => {
    const cooldown = known === undefined ? FIRST_COOLDOWN_MS : COOLDOWN_MS;
    if (underWay === undefined && age(asked) >= cooldown) {
      asked = clock.monotonic();
      underWay = ask().finally(() => {
        underWay = undefined;
      });
    }
    await underWay;
  };

  const usableOrNot = (): IssuerState | undefined =>
    known === undefined || age(known.at) > USABLE_MS ? undefined : known.state;

  const usable = (): IssuerState => {
    const state = usableOrNot();
    if (state === undefined) throw unavailable(issuer);
    return state;
  };

  return {
    async current() {
      if (known === undefined || age(known.at) > FRESH_MS) {
        const asking = askUnlessJustDone();
        if (!isDown || usableOrNot() === undefined) await asking; // one that did not answer last time holds nobody up
      }
      return usable();
    },
    async renewed() {
      await askUnlessJustDone();
      return usable();
    },
  };
};
