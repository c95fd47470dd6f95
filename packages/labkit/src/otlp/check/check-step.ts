/**
 * What one step of `checkEndpoint` found. `message` is a sentence for people, `advice` what to do about a failure; `facts`
 * are name and value pairs worth showing, in order. Nothing in it is a secret; claims of a token are shown, its signature
 * never.
 */
export type CheckStep =
  | {
      readonly kind: "ok";
      readonly name: CheckStepName;
      readonly message: string;
      readonly facts: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "failed";
      readonly name: CheckStepName;
      readonly message: string;
      readonly advice: string;
      readonly facts: Readonly<Record<string, string>>;
    };

/**
 * In this order: `specification` (URL and settings), `dns`, `connect` (TCP, and the tunnel of a proxy), `tls`, `token`,
 * `export` (one span sent, and the answer).
 */
export type CheckStepName = "specification" | "dns" | "connect" | "tls" | "token" | "export";

export function passed(name: CheckStepName, message: string, facts: Readonly<Record<string, string>> = {}): CheckStep {
  return { kind: "ok", name, message, facts };
}

export function failed(
  name: CheckStepName,
  { message, advice, facts = {} }: { message: string; advice: string; facts?: Readonly<Record<string, string>> },
): CheckStep {
  return { kind: "failed", name, message, advice, facts };
}
