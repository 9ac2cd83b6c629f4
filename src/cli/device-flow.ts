/** Logging in at an issuer from a terminal: the device flow (RFC 8628), fresh tokens afterwards (RFC 6749, 6), and the end of both (RFC 7009). */
import { fetchJson, postForm, type JsonAnswer } from '../access/oidc/fetch-json.ts';
import { discover } from '../access/oidc/metadata.ts';
import type { Clock } from '../kernel/clock.ts';
import { messageOf } from '../kernel/errors.ts';
import type { JsonRecord } from '../kernel/json.ts';
import { visible } from '../kernel/visible-text.ts';
import type { Login, Tokens } from './logins.ts';
import { UsageError } from './program.ts';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';
/** RFC 8628, 3.2 and 3.5. */
const USUAL_INTERVAL_S = 5;
const SLOW_DOWN_S = 5;
/** An issuer is neither pelted nor waited for in vain, whatever it asks. */
const LEAST_INTERVAL_S = 1;
const MOST_INTERVAL_S = 60;
const USUAL_LIFE_S = 300;
const MOST_WAIT_S = 1800;

export interface Client {
  readonly issuer: string;
  readonly clientId: string;
}

interface Deps {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

type Ask = (endpoint: string, form: Readonly<Record<string, string>>) => Promise<JsonAnswer>;

/** Every failure says which issuer it was. */
const createAsk = async ({ issuer, clientId }: Client): Promise<Ask> => {
  const explained = async <Result>(work: Promise<Result>): Promise<Result> => {
    try {
      return await work;
    } catch (error) {
      throw new UsageError(`cannot log in at ${issuer}: ${messageOf(error)}`);
    }
  };
  const endpoint = await explained(discover(issuer));
  return (name, form) =>
    explained(
      (async () => fetchJson(endpoint(name), { form: { client_id: clientId, ...form } }))(),
    );
};

const textIn = (body: JsonRecord, name: string): string => {
  const value = body[name];
  return typeof value === 'string' ? value : '';
};

/** What is shown to the user. */
const shownIn = (body: JsonRecord, name: string): string => visible(textIn(body, name));

const secondsIn = (body: JsonRecord, name: string, usual: number): number => {
  const value = body[name];
  return typeof value === 'number' && value >= 0 ? value : usual;
};

const readTokens = (body: JsonRecord, now: number): Tokens => {
  const access = textIn(body, 'access_token');
  if (access === '') throw new UsageError('the issuer answers without an access token');
  const refresh = textIn(body, 'refresh_token');
  return {
    access,
    ...(refresh === '' ? {} : { refresh }),
    expires: now + secondsIn(body, 'expires_in', USUAL_LIFE_S) * 1000,
  };
};

const reasonIn = ({ status, body }: JsonAnswer): string =>
  shownIn(body, 'error_description') || shownIn(body, 'error') || `status ${String(status)}`;

/** Seconds to wait longer after each of the answers that only ask for patience. */
const PATIENCE: ReadonlyMap<string, number> = new Map([
  ['authorization_pending', 0],
  ['slow_down', SLOW_DOWN_S],
]);

const poll = async (ask: Ask, device: JsonRecord, { clock, signal }: Deps): Promise<Tokens> => {
  const form = { grant_type: DEVICE_GRANT, device_code: textIn(device, 'device_code') };
  const life = Math.min(secondsIn(device, 'expires_in', MOST_WAIT_S), MOST_WAIT_S);
  const end = clock.monotonic() + life * 1000;
  const asked = secondsIn(device, 'interval', USUAL_INTERVAL_S);
  let interval = Math.min(Math.max(asked, LEAST_INTERVAL_S), MOST_INTERVAL_S);
  while (clock.monotonic() < end) {
    await clock.sleep(interval * 1000, signal);
    const answer = await ask('token_endpoint', form);
    if (answer.status === 200) return readTokens(answer.body, clock.now());
    const longer = PATIENCE.get(textIn(answer.body, 'error'));
    if (longer === undefined) throw new UsageError(`the login was refused: ${reasonIn(answer)}`);
    interval += longer;
  }
  throw new UsageError('the login was not confirmed in time');
};

/** @param show tells the user where to go and what to enter there */
export const logIn = async (
  client: Client & { readonly scope: string },
  show: (line: string) => void,
  deps: Deps,
): Promise<Tokens> => {
  const ask = await createAsk(client);
  const answer = await ask('device_authorization_endpoint', { scope: client.scope });
  if (answer.status !== 200) {
    throw new UsageError(`${client.issuer} refuses the client: ${reasonIn(answer)}`);
  }
  const { body } = answer;
  const whole = shownIn(body, 'verification_uri_complete');
  show(`open ${shownIn(body, 'verification_uri')} and enter ${shownIn(body, 'user_code')}`);
  if (whole !== '') show(`or open ${whole}`);
  return poll(ask, body, deps);
};

/** An issuer that sends no new refresh token goes on taking the old one. */
export const renew = async (login: Login, { clock }: Pick<Deps, 'clock'>): Promise<Tokens> => {
  const { refresh } = login;
  const again = `log in again: tes login --url ${login.url} --issuer ${login.issuer} --client-id ${login.clientId}`;
  if (refresh === undefined) throw new UsageError(`the login has expired; ${again}`);
  const ask = await createAsk(login);
  const answer = await ask('token_endpoint', {
    grant_type: 'refresh_token',
    refresh_token: refresh,
  });
  if (answer.status === 200) return { refresh, ...readTokens(answer.body, clock.now()) };
  throw new UsageError(`the login has ended (${reasonIn(answer)}); ${again}`);
};

/** Ends the login at its issuer; false where that has no address for it. */
export const revoke = async ({ issuer, clientId, access, refresh }: Login): Promise<boolean> => {
  try {
    const endpoint = await discover(issuer);
    if (!endpoint.isNamed('revocation_endpoint')) return false;
    const hint = refresh === undefined ? 'access_token' : 'refresh_token';
    const form = { client_id: clientId, token: refresh ?? access, token_type_hint: hint };
    const status = await postForm(endpoint('revocation_endpoint'), form);
    if (status !== 200) throw new Error(`status ${String(status)}`);
    return true;
  } catch (error) {
    throw new UsageError(`${issuer} has not revoked the token: ${messageOf(error)}`);
  }
};
