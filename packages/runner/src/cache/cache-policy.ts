/** Whether a cache may be restored and saved. `undefined` for a word of no meaning. Rule: runner-protocol.md §1.8.7. */
export function cachePolicyOf(word: string): { readonly pulls: boolean; readonly pushes: boolean } | undefined {
  switch (word) {
    case "":
    case "pull-push":
      return { pulls: true, pushes: true };
    case "pull":
      return { pulls: true, pushes: false };
    case "push":
      return { pulls: false, pushes: true };
    default:
      return undefined;
  }
}
