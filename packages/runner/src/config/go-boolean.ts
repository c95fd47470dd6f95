/** `1 t T TRUE true True`, `0 f F FALSE false False`. Rule: runner-protocol.md §3.2. */
export function parseGoBoolean(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined;
}
