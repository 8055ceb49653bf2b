/**
 * What the DNS says of the client's name.
 *  - `confirmed`: a name that the owner of the address gives it (PTR), and whose owner agrees (A or AAAA);
 *  - `mismatch`: it has names, and none of their owners agrees; the first of them, which anybody may claim;
 *  - `none`: it has no name;
 *  - `failed`: the DNS did not say within the wait.
 */
export type ReverseName =
  | { readonly kind: 'confirmed'; readonly name: string }
  | { readonly kind: 'mismatch'; readonly name: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed' }
