import { Agent } from "node:https";
import type { STSClient } from "@aws-sdk/client-sts";
import type { AwsIdentitySpec } from "./auth-spec.ts";
import { createFetchedTokenSource, type IssuedToken } from "./fetched-token.ts";
import { type TokenSource, TokenSourceError } from "./token-source.ts";

export interface AwsIdentityDeps {
  readonly now: () => number;
  /** Whose proxy STS is asked through. Default: none. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** AWS's own default; short, since a token must not outlive the session that asks for it. */
const defaultDurationS = 300;

/**
 * A token of the machine's AWS identity for an audience, by `sts:GetWebIdentityToken` with the SDK's default chain of
 * credentials: environment, configuration files and SSO, web identity (EKS), containers (ECS, EKS Pod Identity), EC2.
 *
 * Permissions: `sts:GetWebIdentityToken` for the role, and outbound identity federation switched on for the account
 * (`aws iam enable-outbound-web-identity-federation`). To check:
 * `aws sts get-web-identity-token --audience <audience> --signing-algorithm RS256`.
 *
 * The operation is not there on the global STS endpoint: a region is needed, from the specification, `AWS_REGION` or the
 * configuration file. Source: AWS STS API reference, GetWebIdentityToken.
 */
export function createAwsIdentitySource(spec: AwsIdentitySpec, deps: AwsIdentityDeps): TokenSource {
  let client: STSClient | undefined;

  return createFetchedTokenSource({
    description: `AWS identity token for audience ${spec.audience}`,
    now: deps.now,
    async fetchToken(signal): Promise<IssuedToken> {
      // Loaded when first needed: most processes never do.
      const { GetWebIdentityTokenCommand, STSClient } = await import("@aws-sdk/client-sts");
      // One attempt: whoever wants the token comes again, and is made to wait.
      client ??= new STSClient({
        maxAttempts: 1,
        requestHandler: { httpsAgent: new Agent({ proxyEnv: { ...deps.env } }) },
        ...(spec.region === undefined ? {} : { region: spec.region }),
      });
      const command = new GetWebIdentityTokenCommand({
        Audience: [spec.audience],
        DurationSeconds: spec.durationS ?? defaultDurationS,
        SigningAlgorithm: spec.signingAlgorithm ?? "RS256",
      });
      const answer = await client.send(command, { abortSignal: signal }).catch((cause: unknown) => {
        throw new TokenSourceError(`no AWS identity token for audience ${spec.audience}: ${reasonOf(cause)}`, {
          code: "unavailable",
          cause,
        });
      });
      if (!answer.WebIdentityToken || answer.Expiration === undefined)
        throw new TokenSourceError("AWS STS answered without a token", { code: "unavailable" });
      return { token: answer.WebIdentityToken, expiresAtMs: answer.Expiration.getTime() };
    },
  });
}

/** In words for what an operator can do something about, else the SDK's name of the error; its text may quote the answer. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return "unknown error";
  if (cause.message === "Region is missing") return "no region is configured; set AWS_REGION";
  if (cause.name === "CredentialsProviderError") return "no AWS credentials were found";
  if (cause.name.startsWith("OutboundWebIdentityFederationDisabled"))
    return "outbound identity federation is not enabled for the AWS account";
  return cause.name;
}
