/** What an origin said beside the GraphQL result: the HTTP headers that matter to the cache. */
export interface OriginHeaders {
  readonly setCookie: readonly string[];
}
