import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type Dispatcher, fetch, Headers, type RequestInit, type Response } from "undici";
import { z } from "zod";
import { type FetchMeter, fetchFailure } from "../fetch-limits.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { RegistryLogin } from "./docker-auth.ts";

export interface RegistryClientOptions {
  readonly registry: string;
  readonly repository: string;
  readonly login: RegistryLogin;
  /** `pull`, or `pull,push`. */
  readonly actions: string;
  /** Speak HTTP: for loopback, and for hosts the operator named. */
  readonly plainHttp: boolean;
  readonly dispatcher: Dispatcher;
  readonly signal: AbortSignal;
}

const maxTextBytes = 4 * 1024 * 1024; // the distribution specification's limit for manifests
const retryDelaysMs = [200, 1_000];
const retryableStatuses = new Set([408, 429, 500, 502, 503, 504]);
const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/**
 * Speaks the OCI distribution protocol for one repository: logs in when asked to, repeats what failed in passing, and
 * keeps credentials out of every message.
 */
export class RegistryClient {
  readonly #options: RegistryClientOptions;
  /** Value of the Authorization header, once the registry has asked for one. */
  #authorization: string | undefined;

  constructor(options: RegistryClientOptions) {
    this.#options = options;
  }

  get baseUrl(): string {
    const { registry, repository, plainHttp } = this.#options;
    return `${plainHttp ? "http" : "https"}://${registry}/v2/${repository}`;
  }

  /**
   * Sends a request to the repository.
   *
   * @param target path below the repository, such as `/manifests/1.0`, or an absolute URL the registry gave.
   * @param makeInit makes the request anew for every try: a body that is a stream cannot be sent twice.
   * @returns any answer but those that a login or another try can change.
   * @throws {FunctionError} `fetch_failed` when there is no answer, or the login fails.
   */
  async request(target: string, makeInit: () => RequestInit = () => ({})): Promise<Response> {
    const url = new URL(target.startsWith("/") ? this.baseUrl + target : target);
    const response = await this.#send(url, makeInit);
    if (response.status !== 401) return response;
    await response.body?.cancel();
    const challenge = parseChallenge(response.headers.get("www-authenticate"));
    if (challenge === undefined) throw fetchFailure(`${url.host} refuses access and names no way to log in`);
    this.#authorization = await this.#logIn(challenge);
    const second = await this.#send(url, makeInit);
    if (second.status === 401) {
      await second.body?.cancel();
      throw fetchFailure(
        `${url.host} refuses access${this.#options.login.kind === "anonymous" ? " without login" : ""}`,
      );
    }
    return second;
  }

  /** Only the registry itself gets its Authorization header. */
  async #send(url: URL, makeInit: () => RequestInit): Promise<Response> {
    const { dispatcher, signal } = this.#options;
    const send = () => {
      const init = makeInit();
      const headers = new Headers(init.headers);
      if (this.#authorization !== undefined && url.origin === new URL(this.baseUrl).origin) {
        headers.set("authorization", this.#authorization);
      }
      return fetch(url, { ...init, headers, dispatcher, signal });
    };
    return await withRetries(send, url.host, signal);
  }

  async #logIn(challenge: Challenge): Promise<string> {
    const { login } = this.#options;
    if (challenge.kind === "basic") {
      if (login.kind === "password") return basicHeader(login);
      throw fetchFailure(
        `${this.#options.registry} asks for a user name and password, and DOCKER_AUTH_CONFIG has none`,
      );
    }
    const response = await this.#requestToken(challenge);
    if (!response.ok) {
      await response.body?.cancel();
      throw fetchFailure(`login at ${new URL(challenge.realm).host} failed with status ${response.status}`);
    }
    const answer = tokenAnswer.safeParse(JSON.parse(await readText(response, undefined)));
    const token = answer.data?.token ?? answer.data?.access_token;
    if (token === undefined) throw fetchFailure(`login at ${new URL(challenge.realm).host} gave no token`);
    return `Bearer ${token}`;
  }

  async #requestToken(challenge: Challenge & { kind: "bearer" }): Promise<Response> {
    const { login, repository, actions, plainHttp, dispatcher, signal } = this.#options;
    const realm = new URL(challenge.realm);
    // a registry spoken to in TLS must not get the password sent in the clear
    if (realm.protocol !== "https:" && !(plainHttp && realm.protocol === "http:")) {
      throw fetchFailure(`${this.#options.registry} wants a login over ${realm.protocol}//, which is not safe`);
    }
    const scope = challenge.scope ?? `repository:${repository}:${actions}`;
    if (login.kind === "identity-token") {
      const form = new URLSearchParams({
        grant_type: "refresh_token",
        refresh_token: login.token,
        service: challenge.service ?? "",
        scope,
        client_id: "jobscope",
      });
      return await withRetries(
        () => fetch(realm, { method: "POST", body: form, dispatcher, signal }),
        realm.host,
        signal,
      );
    }
    if (challenge.service !== undefined) realm.searchParams.set("service", challenge.service);
    realm.searchParams.set("scope", scope);
    const headers = login.kind === "password" ? { authorization: basicHeader(login) } : {};
    return await withRetries(() => fetch(realm, { headers, dispatcher, signal }), realm.host, signal);
  }
}

function basicHeader(login: RegistryLogin & { kind: "password" }): string {
  return `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
}

/** @throws {FunctionError} `fetch_failed` when no try got an answer; the signal's reason when it was aborted. */
async function withRetries(send: () => Promise<Response>, host: string, signal: AbortSignal): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const waitMs = retryDelaysMs[attempt];
    try {
      const response = await send();
      if (waitMs === undefined || !retryableStatuses.has(response.status)) return response;
      await response.body?.cancel();
    } catch (error) {
      signal.throwIfAborted();
      if (waitMs === undefined) throw fetchFailure(`${host} cannot be reached${systemCode(error)}`, error);
    }
    await delay(waitMs, undefined, { signal });
  }
}

function systemCode(error: unknown): string {
  const cause = error instanceof Error ? (error.cause as NodeJS.ErrnoException | undefined) : undefined;
  return cause?.code === undefined ? "" : ` (${cause.code})`;
}

/**
 * Reads a small answer, such as a manifest.
 *
 * @throws {FunctionError} `fetch_failed` when it is larger than a manifest may be, or breaks off.
 */
export async function readText(response: Response, meter: FetchMeter | undefined): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      meter?.downloaded(chunk.length);
      if (length > maxTextBytes) throw fetchFailure(`the answer of the registry is larger than ${maxTextBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof TypeError ? fetchFailure("the answer of the registry broke off", error) : error;
  }
  return Buffer.concat(chunks).toString();
}

export function sha256Of(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
