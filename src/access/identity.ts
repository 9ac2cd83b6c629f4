/** Who a credential belongs to, before roles and groups are judged. */

export interface Identity {
  /** The same at every call, and nobody else's: `user:alice`, or `<issuer>|<subject>`. */
  readonly key: string;
  /** As the issuer says; local users have none. */
  readonly groups: readonly string[];
}

/** Local names, of users and of API tokens alike. */
export const localIdentity = (name: string): Identity => ({ key: `user:${name}`, groups: [] });

const LOCAL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,62}$/;

export const isLocalName = (name: string): boolean => LOCAL_NAME.test(name);
