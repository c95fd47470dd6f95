import { hostname } from "node:os";
import { createInterface } from "node:readline/promises";
import { CommandError, type CommandIo } from "./command-io.ts";
import type { RegisterOptions } from "./register-options.ts";

/** What registration cannot do without. */
export interface RegisterAnswers {
  readonly url: string;
  /** The token, of whichever kind. */
  readonly secret: string;
  readonly name: string;
  readonly executor: string;
}

/**
 * Takes what the options and the template give and asks for the rest.
 *
 * @throws {CommandError} in non-interactive mode, naming every missing value at once.
 */
export async function askForMissing(
  options: Pick<RegisterOptions, "nonInteractive" | "url" | "runnerToken" | "registrationToken" | "name" | "executor">,
  template: Readonly<Record<string, unknown>>,
  io: CommandIo,
): Promise<RegisterAnswers> {
  const fromTemplate = (key: string) => (typeof template[key] === "string" ? (template[key] as string) : undefined);
  const given = {
    url: options.url ?? fromTemplate("url"),
    secret: options.runnerToken ?? options.registrationToken,
    name: options.name ?? fromTemplate("name"),
    executor: options.executor ?? fromTemplate("executor"),
  };
  if (options.nonInteractive) return withoutAsking(given);

  const prompt = createInterface({ input: io.stdin, output: io.stdout, terminal: false });
  const lines = prompt[Symbol.asyncIterator]();
  const ask = async (question: string, fallback?: string): Promise<string> => {
    for (;;) {
      io.stdout.write(fallback === undefined ? `${question}:\n` : `${question} [${fallback}]:\n`);
      const line = await lines.next();
      if (line.done === true) throw new CommandError(1, `no answer to "${question}"`);
      const answer = line.value.trim() || fallback;
      if (answer !== undefined) return answer;
    }
  };
  try {
    const url = given.url ?? (await ask("Enter the GitLab instance URL (for example, https://gitlab.com/)"));
    const secret = given.secret ?? (await ask("Enter the runner's authentication token"));
    const name = given.name ?? (await ask("Enter a name for the runner, kept in the configuration file", hostname()));
    const executor = given.executor ?? (await ask("Enter an executor", "shell"));
    return { url, secret, name, executor };
  } finally {
    prompt.close();
  }
}

function withoutAsking(given: { readonly [Key in keyof RegisterAnswers]: string | undefined }): RegisterAnswers {
  const { url, secret, name = hostname(), executor } = given;
  if (url !== undefined && secret !== undefined && executor !== undefined) return { url, secret, name, executor };
  const missing = [
    url === undefined ? "--url" : "",
    secret === undefined ? "--token (or --registration-token)" : "",
    executor === undefined ? "--executor" : "",
  ].filter((flag) => flag !== "");
  throw new CommandError(2, `missing: ${missing.join(", ")}`);
}
