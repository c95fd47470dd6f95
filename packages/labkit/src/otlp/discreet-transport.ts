import type { EndpointSpec } from "./endpoint-spec.ts";
import type { Transport } from "./transport.ts";

/** What an endpoint says in its own words may be of any length. */
const maxWords = 300;
/** Shorter header values are names of tenants and the like, and would be found in any text. */
const minSecretLength = 8;

/**
 * Tells what an endpoint said without the credentials that it may repeat, also where it cut them short: its words go to
 * logs and `stats()`.
 */
export function createDiscreetTransport(transport: Transport, spec: EndpointSpec): Transport {
  return {
    async send(request, options) {
      const outcome = await transport.send(request, options);
      if (outcome.why === undefined) return outcome;
      const secrets = secretsIn({ ...spec.headers, ...options.headers });
      return { ...outcome, why: secrets.reduce(withoutSecret, outcome.why).slice(0, maxWords) };
    },
    close: () => transport.close(),
  };
}

/** Values of header fields, those of `Authorization` without their scheme. */
function secretsIn(headers: Readonly<Record<string, string>>): string[] {
  const values = Object.values(headers).map((value) => value.replace(/^(?:Bearer|Basic) +/i, ""));
  return values.filter((value) => value.length >= minSecretLength);
}

/** Replaces every place where a text goes on as the secret does for as long as its beginning, by `[MASKED]`. */
function withoutSecret(text: string, secret: string): string {
  const beginning = secret.slice(0, minSecretLength);
  let told = "";
  let from = 0;
  for (let at = text.indexOf(beginning); at !== -1; at = text.indexOf(beginning, from)) {
    let length = beginning.length;
    while (length < secret.length && text[at + length] === secret[length]) length++;
    told += `${text.slice(from, at)}[MASKED]`;
    from = at + length;
  }
  return told + text.slice(from);
}
