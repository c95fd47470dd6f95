import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const program = "docker-registry";

/** Why tests against it are skipped, or false. Debian: `apt-get install docker-registry`. */
export const skipWithoutRegistry: string | false =
  spawnSync(program, ["--version"]).error === undefined ? false : "docker-registry is not installed";

/** `user:open-sesame`, as `htpasswd -B` writes it. */
const passwordFile = "user:$2b$04$VZmohzvIo.NYXd/PZI2ysux56KoKwzsAvR62Zc6AdXPbdZKBqVVui\n";

/** The reference implementation of an OCI registry, on loopback, with a login; gone when disposed. */
export async function startDockerRegistry(): Promise<
  { readonly host: string; readonly authConfig: string } & AsyncDisposable
> {
  const root = await mkdtemp(join(tmpdir(), "docker-registry-"));
  await writeFile(join(root, "passwords"), passwordFile);
  const config = {
    version: "0.1",
    storage: { filesystem: { rootdirectory: join(root, "data") } },
    http: { addr: "127.0.0.1:0", secret: "not a secret" },
    auth: { htpasswd: { realm: "test", path: join(root, "passwords") } },
  };
  await writeFile(join(root, "config.yml"), JSON.stringify(config));
  const child = spawn(program, ["serve", join(root, "config.yml")], { stdio: ["ignore", "ignore", "pipe"] });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const host = await new Promise<string>((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => {
      const address = /listening on (127\.0\.0\.1:\d+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    void exited.then(() => reject(new Error("docker-registry ended before it listened")));
  });
  return {
    host,
    authConfig: JSON.stringify({ auths: { [host]: { auth: Buffer.from("user:open-sesame").toString("base64") } } }),
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
      await rm(root, { recursive: true, force: true });
    },
  };
}
