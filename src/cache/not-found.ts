declare const brand: unique symbol;

/** What a loader answers when the source has no such thing: kept for `negativeTtl`, told apart from every value. */
export interface NotFound {
  readonly [brand]: 'notFound';
}

/** The one `NotFound`. Not `undefined` and not `null`: those are values. */
export const notFound: NotFound = Object.freeze(Object.create(null)) as NotFound;
