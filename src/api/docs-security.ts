/** What the served documents say of access: the ways in that are configured, and no other. */
import type { Offers } from '../access/access.ts';
import type { SignIn, SignInEndpoints } from '../access/oidc/sign-in.ts';
import { isRecord, type JsonRecord } from '../kernel/json.ts';

export interface Ways {
  readonly offers: Offers;
  /** Empty = none, like the next. */
  readonly tokenHeader: string;
  readonly tokenParameter: string;
}

export interface ReadySignIn extends SignInEndpoints {
  /** Of its security scheme. */
  readonly name: string;
  readonly signIn: SignIn;
}

/** What is known of the issuers at one moment. */
export interface SignInsNow {
  readonly ready: readonly ReadySignIn[];
  /** Issuers that cannot be reached, or do not tell how. */
  readonly missing: readonly string[];
}

/** Names stay with their issuers, also while others are down. */
export const signInsNow = async (signIns: readonly SignIn[]): Promise<SignInsNow> => {
  const asked = await Promise.all(
    signIns.map(async (signIn, index) => ({
      name: `SignIn${String(index + 1)}`,
      signIn,
      endpoints: await signIn.endpoints(),
    })),
  );
  return {
    ready: asked.flatMap(({ endpoints, ...one }) => (endpoints ? [{ ...one, ...endpoints }] : [])),
    missing: asked.flatMap(({ endpoints, signIn }) => (endpoints ? [] : [signIn.issuer])),
  };
};

interface Scheme {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly scheme: JsonRecord;
}

const plain = (name: string, scheme: JsonRecord): Scheme => ({ name, scopes: [], scheme });

const signInScheme = ({ name, signIn, authorization, token }: ReadySignIn): Scheme => {
  const { issuer, scopes } = signIn;
  const flow = {
    authorizationUrl: authorization,
    tokenUrl: token,
    scopes: Object.fromEntries(scopes.map((scope) => [scope, ''])),
  };
  const description = `Sign in at ${issuer}. The secret stays empty.`;
  return {
    name,
    scopes,
    scheme: { type: 'oauth2', description, flows: { authorizationCode: flow } },
  };
};

const schemesOf = ({ offers, tokenHeader, tokenParameter }: Ways, { ready }: SignInsNow) => {
  const { basic, bearer } = offers;
  const description = 'A token, as Authorization: Bearer carries it.';
  const token = (place: 'header' | 'query', name: string) =>
    ({ type: 'apiKey', in: place, name, description }) as const;
  return [
    ...(basic ? [plain('BasicAuth', { type: 'http', scheme: 'basic' })] : []),
    ...(bearer ? [plain('BearerAuth', { type: 'http', scheme: 'bearer' })] : []),
    ...(bearer && tokenHeader !== '' ? [plain('TokenHeader', token('header', tokenHeader))] : []),
    ...(bearer && tokenParameter !== ''
      ? [plain('TokenParameter', token('query', tokenParameter))]
      : []),
    ...ready.map(signInScheme),
  ];
};

const mapRecord = (node: unknown, change: (value: unknown) => unknown): unknown =>
  isRecord(node)
    ? Object.fromEntries(Object.entries(node).map(([name, value]) => [name, change(value)]))
    : node;

/** Wherever the document asks for credentials, those of the configured ways are asked for; what is open, or works without them too, stays so. */
export const withSecurity = (document: JsonRecord, ways: Ways, now: SignInsNow): JsonRecord => {
  const schemes = schemesOf(ways, now);
  const wanted = schemes.map(({ name, scopes }) => ({ [name]: scopes }));
  const secured = (node: JsonRecord): JsonRecord => {
    const asked: readonly unknown[] = Array.isArray(node['security']) ? node['security'] : [];
    if (asked.length === 0) return node;
    const open = asked.filter((one) => isRecord(one) && Object.keys(one).length === 0);
    return { ...node, security: schemes.length === 0 ? [] : [...wanted, ...open] };
  };
  const { securitySchemes: _, ...components } = isRecord(document['components'])
    ? document['components']
    : {};
  const securitySchemes = Object.fromEntries(schemes.map(({ name, scheme }) => [name, scheme]));
  return {
    ...secured(document),
    paths: mapRecord(document['paths'], (path) =>
      mapRecord(path, (operation) => (isRecord(operation) ? secured(operation) : operation)),
    ),
    components: schemes.length === 0 ? components : { ...components, securitySchemes },
  };
};
