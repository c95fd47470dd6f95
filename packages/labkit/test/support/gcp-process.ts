// Prints the authorization header of a Google identity token for two callers: `gcp-process.ts AUDIENCE`.
import { createGcpIdentitySource } from "../../src/auth/gcp-identity.ts";

const source = createGcpIdentitySource(process.argv[2] ?? "");
const request = { url: new URL("https://collector.example.com"), signal: AbortSignal.timeout(15_000) };
for (const headers of await Promise.all([source.headers(request), source.headers(request)])) {
  process.stdout.write(`${headers["authorization"]}\n`);
}
