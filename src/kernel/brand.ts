/** Ids that cannot be mixed up: each is text at run time and a type of its own to the compiler. Made only by the parse and new functions of their modules. */
declare const brand: unique symbol;

export type Branded<Name extends string> = string & { readonly [brand]: Name };

/** The one place where text becomes an id; callers have checked its form. */
export const asBranded = <Name extends string>(text: string): Branded<Name> =>
  text as Branded<Name>;
