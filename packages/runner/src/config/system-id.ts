import { createHmac, randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

/** Where Linux keeps the machine id. */
const machineIdFiles = ["/var/lib/dbus/machine-id", "/etc/machine-id"];

/**
 * The name of this installation: kept in `.runner_system_id` beside the configuration file, made when it is missing.
 *
 * @param directory `undefined`: nothing is read or written, the id is made of the machine alone.
 * @returns the id, and why it could not be kept, if so: a new one may then be made at every start.
 *
 * Rule: runner-protocol.md §1.2.4.
 */
export function readSystemId(directory: string | undefined): { readonly systemId: string; readonly unkept?: Error } {
  if (directory === undefined) return { systemId: makeSystemId() };
  const file = path.join(directory, ".runner_system_id");
  const kept = readText(file)?.trim();
  if (kept !== undefined && /^[sr]_[0-9a-zA-Z]{12}$/.test(kept)) return { systemId: kept };
  const systemId = makeSystemId();
  try {
    writeFileSync(file, systemId, { mode: 0o600 });
    return { systemId };
  } catch (error) {
    return { systemId, unkept: error instanceof Error ? error : new Error(String(error)) };
  }
}

function makeSystemId(): string {
  const machineId = machineIdFiles.map((file) => readText(file)?.trim() ?? "").find((id) => id !== "");
  if (machineId !== undefined) {
    return `s_${createHmac("sha256", machineId).update("gitlab-runner").digest("hex").slice(0, 12)}`;
  }
  const alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return `r_${Array.from({ length: 12 }, () => alphabet[randomInt(alphabet.length)]).join("")}`;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // Missing or unreadable: another source is tried, or a new id is made.
  }
}
