import type { ProxyConfig } from "../config/manager-config.ts";
import type { RunnerTlsConfig } from "../config/runner-config.ts";
import { CoordinatorError } from "./coordinator-error.ts";
import { describeRunner, userAgent } from "./describe-runner.ts";
import { Api, type ApiAnswer, type ApiCall, isJson } from "./http/api.ts";
import { printableUrl } from "./http/api-address.ts";
import { Connections } from "./http/connections.ts";
import type { RunnerInfo } from "./wire/runner-info.ts";
import { runnerCredentialsSchema } from "./wire/runner-registration.ts";

/** What a coordinator knows a runner by. */
export interface RunnerCredentials {
  /** 0 when the coordinator did not tell. */
  readonly runnerId: number;
  readonly runnerToken: string;
  /** `undefined`: never. */
  readonly expiresAt: Date | undefined;
}

/** What a legacy registration asks for. Empty texts and 0 are left out. Rule: runner-protocol.md §1.6. */
export interface RegistrationRequest {
  readonly registrationToken: string;
  readonly description: string;
  readonly maintenanceNote: string;
  /** Comma-separated. */
  readonly tagList: string;
  readonly runUntagged: boolean;
  readonly locked: boolean;
  readonly accessLevel: "" | "not_protected" | "ref_protected";
  /** Seconds. */
  readonly maximumTimeoutS: number;
  readonly paused: boolean;
}

export type VerifyOutcome =
  | { readonly kind: "valid"; readonly credentials: RunnerCredentials }
  /** 403: the token is not (or no longer) known. */
  | { readonly kind: "invalid" }
  /** Neither proven nor disproven: the runner is kept. */
  | { readonly kind: "unknown"; readonly why: CoordinatorError };

/** The calls that make, check and end a runner. Each throws `CoordinatorError` for an answer it has no word for. */
export interface RegistrationClient extends AsyncDisposable {
  /** For messages: without credentials. */
  readonly url: string;
  register(request: RegistrationRequest): Promise<RunnerCredentials>;
  /** @param info of the runner as configured; announced at once, since GitLab rarely refreshes it (§1.4). */
  verify(runnerToken: string, info: RunnerInfo): Promise<VerifyOutcome>;
  /** Removes the runner (`glrtr-` and older tokens), or only this manager of it (`glrt-`). */
  unregister(runnerToken: string): Promise<void>;
  /** Gives the runner another token. */
  resetToken(runnerToken: string): Promise<RunnerCredentials>;
  /** The same with a user's access token instead of the runner's. */
  resetTokenById(runnerId: number, personalAccessToken: string): Promise<RunnerCredentials>;
}

export interface RegistrationClientOptions {
  readonly url: string;
  readonly tls: RunnerTlsConfig;
  readonly proxy: ProxyConfig;
  readonly systemId: string;
  readonly signal: AbortSignal;
}

/** Rule: runner-protocol.md §1.2.1 and §1.6. */
export function createRegistrationClient(options: RegistrationClientOptions): RegistrationClient {
  const { systemId, signal } = options;
  const connections = new Connections({ tls: options.tls, proxy: options.proxy, connectionMaxAgeMs: 0 });
  const api = new Api({ url: options.url, connections, userAgent: userAgent() });

  async function send(call: Pick<ApiCall, "operation" | "method" | "path" | "headers">, body: unknown) {
    const json = JSON.stringify(body);
    const headers = { "content-type": "application/json", accept: "application/json", ...call.headers };
    const full: ApiCall = { ...call, headers, body: () => json, signal };
    return { call: full, answer: await api.call(full) };
  }

  function expectCredentials(call: ApiCall, answer: ApiAnswer, status: number): RunnerCredentials {
    const credentials = answer.status === status ? readCredentials(answer) : undefined;
    if (credentials === undefined) throw api.unexpected(call, answer);
    return credentials;
  }

  return {
    url: printableUrl(options.url),
    async register(request) {
      const { call, answer } = await send(
        {
          operation: "register runner",
          method: "POST",
          path: "runners",
          headers: { "runner-token": request.registrationToken },
        },
        {
          info: describeRunner(),
          token: request.registrationToken,
          description: request.description || undefined,
          maintenance_note: request.maintenanceNote || undefined,
          tag_list: request.tagList || undefined,
          access_level: request.accessLevel || undefined,
          maximum_timeout: request.maximumTimeoutS || undefined,
          run_untagged: request.runUntagged,
          locked: request.locked,
          paused: request.paused,
        },
      );
      return expectCredentials(call, answer, 201);
    },
    async verify(runnerToken, info) {
      try {
        const { call, answer } = await send(
          {
            operation: "verify runner",
            method: "POST",
            path: "runners/verify",
            headers: { "runner-token": runnerToken },
          },
          { info, token: runnerToken, system_id: systemId },
        );
        if (answer.status === 403) return { kind: "invalid" };
        if (answer.status !== 200) return { kind: "unknown", why: api.unexpected(call, answer) };
        const told = readCredentials(answer) ?? { runnerId: 0, runnerToken, expiresAt: undefined };
        return { kind: "valid", credentials: { ...told, runnerToken: told.runnerToken || runnerToken } };
      } catch (error) {
        if (error instanceof CoordinatorError) return { kind: "unknown", why: error };
        throw error;
      }
    },
    async unregister(runnerToken) {
      const isManagerOnly = runnerToken.startsWith("glrt-");
      const { call, answer } = await send(
        {
          operation: isManagerOnly ? "unregister runner manager" : "unregister runner",
          method: "DELETE",
          path: isManagerOnly ? "runners/managers" : "runners",
          headers: { "runner-token": runnerToken },
        },
        isManagerOnly ? { token: runnerToken, system_id: systemId } : { token: runnerToken },
      );
      if (answer.status !== 204) throw api.unexpected(call, answer);
    },
    async resetToken(runnerToken) {
      const path = "runners/reset_authentication_token";
      const { call, answer } = await send(
        { operation: "reset runner token", method: "POST", path },
        { token: runnerToken },
      );
      return expectCredentials(call, answer, 201);
    },
    async resetTokenById(runnerId, personalAccessToken) {
      const path = `runners/${runnerId}/reset_authentication_token`;
      const headers = { "private-token": personalAccessToken };
      const { call, answer } = await send({ operation: "reset runner token", method: "POST", path, headers }, null);
      return expectCredentials(call, answer, 201);
    },
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}

function readCredentials(answer: ApiAnswer): RunnerCredentials | undefined {
  if (!isJson(answer)) return undefined;
  try {
    const parsed = runnerCredentialsSchema.safeParse(JSON.parse(answer.body));
    if (!parsed.success) return undefined;
    const { id, token, token_expires_at: expiresAt } = parsed.data;
    return { runnerId: id, runnerToken: token, expiresAt };
  } catch {
    return undefined; // Not JSON after all: the caller says which answer it was.
  }
}
