/** A copy of a tree with every text in it replaced; keys and other values stay. */
export function mapTexts<Tree>(tree: Tree, change: (text: string) => string): Tree;
export function mapTexts(tree: unknown, change: (text: string) => string): unknown {
  if (typeof tree === "string") return change(tree);
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) return tree.map((item) => mapTexts(item, change));
  return Object.fromEntries(Object.entries(tree).map(([key, item]) => [key, mapTexts(item, change)]));
}
