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
  /** For jobs that name no image; `undefined` where settings have one, or where there are no containers. */
  readonly image: string | undefined;
}

/** What a new runner may have; GitLab's runner refuses others too. */
const executors: readonly string[] = ["shell", "docker"];

export interface QuestionsInput
  extends Pick<RegisterOptions, "nonInteractive" | "url" | "runnerToken" | "registrationToken" | "name" | "executor"> {
  readonly template: Readonly<Record<string, unknown>>;
  /** Whether a default image is given already, for that executor. */
  readonly hasImage: (executor: string) => boolean;
}

/**
 * Takes what the options and the template give and asks for the rest.
 *
 * @throws {CommandError} in non-interactive mode, naming every missing value at once; for an executor that is none.
 */
export async function askForMissing(input: QuestionsInput, io: CommandIo): Promise<RegisterAnswers> {
  const fromTemplate = (key: string) =>
    typeof input.template[key] === "string" ? (input.template[key] as string) : undefined;
  const given: Given = {
    url: input.url ?? fromTemplate("url"),
    secret: input.runnerToken ?? input.registrationToken,
    name: input.name ?? fromTemplate("name"),
    executor: input.executor ?? fromTemplate("executor"),
  };
  const needsImage = (executor: string) => executor === "docker" && !input.hasImage(executor);
  const answers = input.nonInteractive ? withoutAsking(given, needsImage) : await askFor(given, needsImage, io);
  refuseUnknownExecutor(answers.executor);
  return answers;
}

type Given = { readonly [Key in "url" | "secret" | "name" | "executor"]: string | undefined };

async function askFor(
  given: Given,
  needsImage: (executor: string) => boolean,
  io: CommandIo,
): Promise<RegisterAnswers> {
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
    const executor = given.executor ?? (await ask(`Enter an executor: ${executors.join(", ")}`, "shell"));
    refuseUnknownExecutor(executor);
    const image = needsImage(executor)
      ? await ask("Enter the default Docker image (for example, ruby:3.3)")
      : undefined;
    return { url, secret, name, executor, image };
  } finally {
    prompt.close();
  }
}

function withoutAsking(given: Given, needsImage: (executor: string) => boolean): RegisterAnswers {
  const { url, secret, name = hostname(), executor } = given;
  const lacksImage = executor !== undefined && needsImage(executor);
  if (url !== undefined && secret !== undefined && executor !== undefined && !lacksImage) {
    return { url, secret, name, executor, image: undefined };
  }
  const missing = [
    url === undefined ? "--url" : "",
    secret === undefined ? "--token (or --registration-token)" : "",
    executor === undefined ? "--executor" : "",
    lacksImage ? "--docker-image" : "",
  ].filter((flag) => flag !== "");
  throw new CommandError(2, `missing: ${missing.join(", ")}`);
}

function refuseUnknownExecutor(executor: string): void {
  if (executors.includes(executor)) return;
  throw new CommandError(2, `there is no executor "${executor}" in this runner; there are ${executors.join(", ")}`);
}
