import { getCACertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent, request } from "undici";
import { SecretError } from "./secret-error.ts";

/** One call of a provider's API. */
export interface ProviderCall {
  /** What it is for, as the error of a failure says: `log in to Vault`. */
  readonly purpose: string;
  readonly method: "GET" | "POST" | "PUT";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, or, given as parameters, as a form. */
  readonly body?: Readonly<Record<string, unknown>> | URLSearchParams;
}

export interface ProviderAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** The parsed body; `undefined` when it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** How secret providers are reached, for the time of one job's secrets. */
export interface ProviderCalls extends AsyncDisposable {
  /** @throws {SecretError} `unreachable` when no answer came. @throws the signal's reason when it was aborted. */
  send(call: ProviderCall): Promise<ProviderAnswer>;
}

export interface ProviderCallsOptions {
  /** Of the runner process: its proxy variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** For one call. Default: a minute, as in Vault's own client. */
  readonly timeoutMs?: number;
}

/** No secret is larger: the limits of the providers end at 64 KiB, Vault's at 1 MiB. */
const maxAnswerBytes = 2 * 1024 * 1024;

export function openProviderCalls(options: ProviderCallsOptions): ProviderCalls {
  const { signal, timeoutMs = 60_000 } = options;
  let dispatcher: Dispatcher | undefined;
  return {
    async send(call) {
      dispatcher ??= connect(options.environment);
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
      try {
        const answer = await request(call.url, {
          dispatcher,
          method: call.method,
          headers: { accept: "application/json", ...contentType(call.body), ...call.headers },
          body: bodyOf(call.body),
          signal: bounded,
        });
        const text = await answer.body.text();
        return {
          status: answer.statusCode,
          header: (name) => [answer.headers[name]].flat()[0],
          json: parseObject(text),
        };
      } catch (cause) {
        signal.throwIfAborted();
        throw new SecretError(`could not ${call.purpose} at ${call.url.origin}: ${reasonOf(cause)}`, {
          code: "unreachable",
          cause,
        });
      }
    },
    async [Symbol.asyncDispose]() {
      await dispatcher?.destroy();
    },
  };
}

/** What a provider says in its error, for people: at most this much of it. */
const maxSaidLength = 300;

/**
 * The error for an answer that is none of those expected.
 *
 * @param refusals statuses by which this provider says that the job asks for something it may not have.
 */
export function unexpectedAnswer(
  call: ProviderCall,
  answer: ProviderAnswer,
  { refusals, said }: { readonly refusals: readonly number[]; readonly said: string },
): SecretError {
  const { status } = answer;
  const code = refusals.includes(status) ? "refused" : status >= 500 ? "broken" : "unreachable";
  const line = shortLine(said);
  const words = line === "" ? "" : ` (${line})`;
  return new SecretError(`could not ${call.purpose} at ${call.url.origin}: status ${status}${words}`, { code });
}

/** What a provider, or a library, says: in one line, and not too long a one. */
export function shortLine(said: string): string {
  return said.replace(/\s+/g, " ").trim().slice(0, maxSaidLength).toWellFormed();
}

/** @throws {SecretError} for a text that is no address of http or https. */
export function providerUrl(text: string, provider: string): URL {
  const url = URL.parse(text);
  if (url !== null && (url.protocol === "http:" || url.protocol === "https:")) return url;
  const found = text === "" ? "nothing" : JSON.stringify(text.slice(0, maxSaidLength));
  throw new SecretError(`the address of ${provider} is to be an http or https URL, found ${found}`, {
    code: "refused",
  });
}

/** As Go's programs do it, authorities that the machine trusts are trusted. */
function connect(environment: ProviderCallsOptions["environment"]): Dispatcher {
  const ca = [...new Set([...getCACertificates("default"), ...getCACertificates("system")])];
  const variable = (name: string) => environment[name] ?? environment[name.toUpperCase()] ?? "";
  return new EnvHttpProxyAgent({
    httpProxy: variable("http_proxy"),
    httpsProxy: variable("https_proxy"),
    noProxy: variable("no_proxy"),
    maxResponseSize: maxAnswerBytes,
    connect: { ca },
    requestTls: { ca },
  });
}

function contentType(body: ProviderCall["body"]): Record<string, string> {
  if (body === undefined) return {};
  return { "content-type": body instanceof URLSearchParams ? "application/x-www-form-urlencoded" : "application/json" };
}

function bodyOf(body: ProviderCall["body"]): string | null {
  if (body === undefined) return null;
  return body instanceof URLSearchParams ? body.toString() : JSON.stringify(body);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined; // Whoever asked says what is missing.
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  if (cause.name === "TimeoutError") return "no answer in time";
  // Node's advice on authorities is for other programs: this one trusts the machine's.
  return shortLine(cause.message.split("; if the root CA")[0] ?? "") || cause.name;
}
