/** What to paste on another machine, or in another terminal, so that a runner there works for this coordinator. */
export function registrationCommands({ url, token }: { url: string; token: string }): string {
  const flags = `register --non-interactive --executor shell --url ${url} --token ${token}`;
  return `  gitlab-runner ${flags}\n  jobscope ${flags}\n`;
}
