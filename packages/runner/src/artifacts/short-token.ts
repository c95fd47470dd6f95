/** The nine characters that stand for a job token in logs. Rule: runner-protocol.md §1.2.3. */
export function shortTokenOf(jobToken: string): string {
  return jobToken.replace(/^glcbt-/, "").slice(0, 9);
}
