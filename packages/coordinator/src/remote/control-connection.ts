import { CoordinatorError, type CoordinatorErrorCode, isCoordinatorErrorCode } from "../coordinator-error.ts";
import type { CoordinatorAddress } from "./address-file.ts";
import { refusal } from "./wire.ts";

/** One call takes no longer, but for those that make snapshots of work trees, which end with their own signal. */
const timeoutMs = 20_000;

export interface Call {
  readonly method: "GET" | "POST";
  /** Below `/api/v4/`. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
  /** Asks for what comes from this byte on; empty when there is nothing. */
  readonly fromByte?: number;
}

/** Calls a coordinator in another process. */
export class ControlConnection {
  readonly #address: CoordinatorAddress;

  constructor(address: CoordinatorAddress) {
    this.#address = address;
  }

  /** @throws {CoordinatorError} what the coordinator says; `unreachable` when it says nothing. */
  async json(call: Call): Promise<unknown> {
    return await (await this.#send(call)).json();
  }

  /** @throws {CoordinatorError} likewise. */
  async bytes(call: Call): Promise<Uint8Array> {
    const response = await this.#send(call);
    return response.status === 416 ? new Uint8Array() : new Uint8Array(await response.arrayBuffer());
  }

  async #send({ method, path, body, signal, fromByte = 0 }: Call): Promise<Response> {
    const { url, token } = this.#address;
    const response = await fetch(`${url}/api/v4/${path}`, {
      method,
      headers: {
        "PRIVATE-TOKEN": token,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...(fromByte === 0 ? {} : { Range: `bytes=${fromByte}-` }),
      },
      signal: signal ?? AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).catch((cause: unknown) => {
      signal?.throwIfAborted();
      throw new CoordinatorError(`the coordinator at ${url} does not answer`, { code: "unreachable", cause });
    });
    if (!response.ok && response.status !== 416) throw await errorOf(response, `${url}/api/v4/${path}`);
    return response;
  }
}

async function errorOf(response: Response, url: string): Promise<CoordinatorError> {
  const { data } = refusal.safeParse(await response.json().catch(() => undefined));
  if (data?.code !== undefined && isCoordinatorErrorCode(data.code)) {
    return new CoordinatorError(data.message, { code: data.code, problems: data.problems });
  }
  const code: CoordinatorErrorCode = response.status === 404 ? "not-found" : "not-allowed";
  return new CoordinatorError(`${url} answered ${data?.message ?? response.status}`, { code });
}
