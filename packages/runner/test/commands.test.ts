import assert from "node:assert/strict";
import { once } from "node:events";
import { stat, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import path from "node:path";
import { test } from "node:test";
import { silentLog } from "@jobscope/labkit";
import { parse } from "smol-toml";
import { checkHealth } from "../src/commands/health-check.ts";
import { lintConfig } from "../src/commands/lint.ts";
import { listRunners } from "../src/commands/list.ts";
import { registerRunner } from "../src/commands/register.ts";
import type { RegisterOptions } from "../src/commands/register-options.ts";
import { resetTokens } from "../src/commands/reset-token.ts";
import { rotateDueTokens, rotationDueAt } from "../src/commands/token-rotation.ts";
import { unregisterRunners } from "../src/commands/unregister.ts";
import { verifyRunners } from "../src/commands/verify.ts";
import { type CommandScene, withCommand } from "./support/command-scene.ts";

const twoRunners = `concurrent = 3 # kept
[[runners]]
name = "one"
url = "URL"
token = "glrt-one"
id = 1
executor = "shell"
[[runners]]
name = "two"
url = "URL"
token = "glrtr-two"
id = 2
executor = "shell"
`;

interface WrittenRunner {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly id: number;
  readonly executor: string;
  readonly [key: string]: unknown;
}

const runnersOf = async ({ config }: CommandScene) =>
  (parse(await config())["runners"] ?? []) as unknown as WrittenRunner[];
const registration = (
  { configFile, coordinator }: CommandScene,
  changes: Partial<RegisterOptions> = {},
): RegisterOptions => ({
  configFile,
  nonInteractive: true,
  url: coordinator.url,
  name: "new",
  executor: "shell",
  serverSide: {},
  ...changes,
});

test("register verifies an authentication token with all features and adds the runner", () =>
  withCommand(async (scene) => {
    await registerRunner(registration(scene, { runnerToken: "glrt-new", settings: { limit: 2 } }), scene.io);
    const { json } = await scene.coordinator.waitFor("verify");
    const info = json?.["info"] as { features: Record<string, boolean>; executor: string };
    assert.deepEqual([json?.["token"], info.features["cancel_gracefully"], info.executor], ["glrt-new", true, "shell"]);
    const [runner] = await runnersOf(scene);
    assert.deepEqual([runner?.name, runner?.token, runner?.id, runner?.["limit"]], ["new", "glrt-new", 5, 2]);
    assert.equal((await stat(scene.configFile)).mode & 0o777, 0o600);
    assert.match((await scene.printed()).stdout, /^Runner registered successfully\./m);
  }));

test("register trades a registration token for a runner token", () =>
  withCommand(
    async (scene) => {
      await registerRunner(
        registration(scene, { registrationToken: "GR1348941abc", serverSide: { tagList: "a,b" } }),
        scene.io,
      );
      const { json } = await scene.coordinator.waitFor("register");
      const { info, ...rest } = json ?? {};
      assert.deepEqual(rest, {
        token: "GR1348941abc",
        description: "new",
        tag_list: "a,b",
        run_untagged: false,
        locked: true,
        paused: false,
      });
      assert.equal((info as { executor?: string }).executor, undefined);
      assert.deepEqual(
        (await runnersOf(scene)).map(({ token }) => token),
        ["glrt-one", "glrtr-two", "glrt-new"],
      );
      assert.match(await scene.config(), /concurrent = 3 # kept/);
    },
    { config: twoRunners },
  ));

test("register asks for what is missing", () =>
  withCommand(
    async (scene) => {
      await registerRunner(
        { configFile: scene.configFile, nonInteractive: false, url: scene.coordinator.url, serverSide: {} },
        scene.io,
      );
      const [runner] = await runnersOf(scene);
      assert.deepEqual([runner?.name, runner?.token, runner?.executor], ["my runner", "glrt-asked", "shell"]);
    },
    { answers: "glrt-asked\nmy runner\n\n" },
  ));

test("register takes the rest from a template", () =>
  withCommand(async (scene) => {
    const templateFile = path.join(scene.directory, "template.toml");
    await writeFile(templateFile, '[[runners]]\nexecutor = "shell"\nlimit = 7\n[runners.cache]\nPath = "p"\n');
    const { executor: _, ...options } = registration(scene, { runnerToken: "glrt-new", templateFile });
    await registerRunner(options, scene.io);
    const [runner] = await runnersOf(scene);
    assert.deepEqual(
      [runner?.["limit"], { ...(runner?.["cache"] as object) }, runner?.executor],
      [7, { Path: "p" }, "shell"],
    );
  }));

test("register writes [runners.docker] from flags, a template and GitLab's default volume", () =>
  withCommand(async (scene) => {
    const templateFile = path.join(scene.directory, "template.toml");
    await writeFile(templateFile, '[[runners]]\n[runners.docker]\nmemory = "1g"\nimage = "old"\n');
    const settingArgs = ["--docker-image", "alpine", "--docker-privileged"];
    const options = { runnerToken: "glrt-new", executor: "docker", templateFile, settingArgs };
    await registerRunner(registration(scene, options), scene.io);
    const [runner] = await runnersOf(scene);
    const docker = { volumes: ["/cache"], memory: "1g", image: "alpine", privileged: true };
    assert.deepEqual({ ...(runner?.["docker"] as object) }, docker);
  }));

test("register asks for Docker's image, and leaves out the table of another executor", () =>
  withCommand(
    async (scene) => {
      const {
        executor: _,
        name: __,
        ...options
      } = registration(scene, { runnerToken: "glrt-new", nonInteractive: false });
      await registerRunner(options, scene.io);
      const settingArgs = ["--docker-image", "alpine"];
      await registerRunner(registration(scene, { runnerToken: "glrt-second", settingArgs }), scene.io);
      const [first, second] = await runnersOf(scene);
      assert.partialDeepStrictEqual(first?.["docker"], { image: "ruby:3.3" });
      assert.equal(second?.["docker"], undefined);
      assert.match((await scene.printed()).stderr, /WARNING: settings of the docker executor are left out/);
    },
    { answers: "builder\ndocker\nruby:3.3\n" },
  ));

/** What register refuses, and what of it the coordinator heard. */
const refusals: readonly {
  readonly name: string;
  readonly options: Partial<RegisterOptions>;
  readonly prepare?: (scene: CommandScene) => void;
  readonly message: RegExp;
}[] = [
  {
    name: "missing values, all at once",
    options: { url: undefined, executor: undefined },
    message: /missing: --url, --token .*, --executor/,
  },
  {
    name: "server-side settings with an authentication token",
    options: { runnerToken: "glrt-x", serverSide: { tagList: "a" } },
    message: /set at the coordinator/,
  },
  {
    name: "an unusable setting, before anything is sent",
    options: { runnerToken: "glrt-x", settings: { shell: "fish" } },
    message: /runners\[0\]\.shell/,
  },
  {
    name: "a token the coordinator does not know",
    options: { runnerToken: "glrt-x" },
    prepare: ({ coordinator }) => coordinator.script("verify", { status: 403 }),
    message: /does not know this runner token/,
  },
  {
    name: "an authentication token without a runner id",
    options: { runnerToken: "glrt-x" },
    prepare: ({ coordinator }) => coordinator.script("verify", { status: 200, body: { token: "glrt-x" } }),
    message: /named no runner id/,
  },
  {
    name: "a refused registration token",
    options: { registrationToken: "old" },
    prepare: ({ coordinator }) => coordinator.script("register", { status: 403, body: { message: "403 Forbidden" } }),
    message: /could not register runner at .*status 403 \(403 Forbidden\)/,
  },
  {
    name: "a runner in Docker without an image",
    options: { runnerToken: "glrt-new", executor: "docker" },
    message: /missing: --docker-image/,
  },
  {
    name: "an executor that there is not",
    options: { runnerToken: "glrt-new", executor: "kubernetes" },
    message: /there is no executor "kubernetes" in this runner; there are shell, docker/,
  },
  {
    name: "an unknown flag",
    options: { runnerToken: "glrt-new", settingArgs: ["--dokcer-image", "x"] },
    message: /unknown option '--dokcer-image'/,
  },
];

for (const { name, options, prepare, message } of refusals) {
  test(`register refuses ${name}, and the file stays without the runner`, () =>
    withCommand(async (scene) => {
      prepare?.(scene);
      await assert.rejects(registerRunner(registration(scene, options), scene.io), message);
      assert.deepEqual(await runnersOf(scene), []);
    }));
}

test("list shows each runner without its whole token", () =>
  withCommand(
    async (scene) => {
      await listRunners({ configFile: scene.configFile }, scene.io);
      const { stdout } = await scene.printed();
      assert.match(stdout, /^one {2}Executor=shell Token=one URL=http/m);
      assert.doesNotMatch(stdout, /glrt-/);
    },
    { config: twoRunners },
  ));

test("verify removes what the coordinator disowns, and keeps what it cannot ask about", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.script("verify", { status: 403 }, { misbehave: "reset" });
      assert.equal(await verifyRunners({ configFile: scene.configFile, deletes: true }, scene.io), true);
      assert.deepEqual(
        (await runnersOf(scene)).map(({ name }) => name),
        ["two"],
      );
      assert.match(await scene.config(), /# kept/);
    },
    { config: twoRunners },
  ));

test("verify without --delete tells of an invalid runner by its result", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.script("verify", { status: 403 });
      assert.equal(await verifyRunners({ configFile: scene.configFile, name: "one" }, scene.io), false);
      assert.equal((await runnersOf(scene)).length, 2);
      await assert.rejects(
        verifyRunners({ configFile: scene.configFile, name: "three" }, scene.io),
        /no runner .* name "three"/,
      );
    },
    { config: twoRunners },
  ));

test("unregister takes a glrt- manager and another runner by the calls meant for each", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.always("other", () => ({ status: 204 }));
      assert.equal(await unregisterRunners({ configFile: scene.configFile, allRunners: true }, scene.io), true);
      const calls = scene.coordinator.calls.map(({ method, path: at, json }) => [method, at, Object.keys(json ?? {})]);
      assert.deepEqual(calls, [
        ["DELETE", "/api/v4/runners", ["token"]],
        ["DELETE", "/api/v4/runners/managers", ["token", "system_id"]],
      ]);
      assert.deepEqual(await runnersOf(scene), []);
    },
    { config: twoRunners },
  ));

test("a runner that its coordinator did not let go stays in the file", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.always("other", () => ({ status: 404 }));
      assert.equal(await unregisterRunners({ configFile: scene.configFile, name: "one" }, scene.io), false);
      assert.equal((await runnersOf(scene)).length, 2);
      await assert.rejects(unregisterRunners({ configFile: scene.configFile }, scene.io), /--all-runners/);
    },
    { config: twoRunners },
  ));

test("reset-token writes the new token and when it expires, nothing else", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.always("other", () => ({
        status: 201,
        body: { token: "glrt-fresh", token_expires_at: "2030-01-02T03:04:05Z" },
      }));
      assert.equal(await resetTokens({ configFile: scene.configFile, name: "one" }, scene.io), true);
      const [one, two] = await runnersOf(scene);
      assert.deepEqual([one?.token, two?.token], ["glrt-fresh", "glrtr-two"]);
      assert.match(await scene.config(), /token_expires_at = 2030-01-02T03:04:05/);
      assert.match(await scene.config(), /# kept/);
    },
    { config: twoRunners },
  ));

test("a token is replaced when three quarters of its life are over (runner-protocol.md §1.6)", () => {
  const life = { tokenObtainedAt: new Date(0), tokenExpiresAt: new Date(1000), featureFlags: {} };
  assert.equal(rotationDueAt(life)?.getTime(), 750);
  assert.equal(rotationDueAt({ ...life, tokenExpiresAt: undefined }), undefined);
  assert.equal(rotationDueAt({ ...life, featureFlags: { FF_DISABLE_AUTOMATIC_TOKEN_ROTATION: true } }), undefined);
});

test("only due tokens are rotated", () =>
  withCommand(
    async (scene) => {
      scene.coordinator.always("other", () => ({ status: 201, body: { token: "glrt-fresh", token_expires_at: null } }));
      const saved: string[] = [];
      const metrics = { configSaved: (outcome: string) => saved.push(outcome) };
      const context = { log: silentLog, environment: {}, metrics };
      await rotateDueTokens(scene.configFile, context, scene.io.signal);
      assert.deepEqual(
        (await runnersOf(scene)).map(({ token }) => token),
        ["glrt-fresh", "glrtr-two"],
      );
      assert.deepEqual(saved, ["saved"]);
    },
    {
      config: twoRunners.replace(
        "id = 1\n",
        "id = 1\ntoken_obtained_at = 2020-01-01T00:00:00Z\ntoken_expires_at = 2020-02-01T00:00:00Z\n",
      ),
    },
  ));

test("lint tells what has no effect", () =>
  withCommand(
    async (scene) => {
      assert.equal(await lintConfig(scene.configFile, scene.io), false);
      await writeFile(scene.configFile, "concurrent = 2\n");
      assert.equal(await lintConfig(scene.configFile, scene.io), true);
      assert.match((await scene.printed()).stderr, /^runners\[1\]\.frob: not known, has no effect\n$/m);
    },
    { config: `${twoRunners}frob = 1\n` },
  ));

test("health-check waits for an address to take connections and says which does not", () =>
  withCommand(async (scene) => {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await checkHealth({ addresses: [`127.0.0.1:${port}`] }, scene.io);
    server.close();
    await once(server, "close");
    await assert.rejects(
      checkHealth({ addresses: [`127.0.0.1:${port}`], timeoutMs: 50 }, scene.io),
      new RegExp(`127.0.0.1:${port} takes no connections`),
    );
  }));
