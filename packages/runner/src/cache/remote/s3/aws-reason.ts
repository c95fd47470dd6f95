/** Why a call of the SDK failed: in words where an operator can do something about it, else the service's name of it. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown error";
  if (cause.name === "CredentialsProviderError") return "no AWS credentials were found";
  if (cause.name === "TimeoutError") return "no answer in time";
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
  // The text of an answer may quote what was sent; its name does not.
  return cause.name === "Error" ? (code ?? firstLine(cause.message)) : cause.name;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
