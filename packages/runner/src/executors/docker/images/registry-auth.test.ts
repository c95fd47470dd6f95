import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { createLoginFinder } from "./registry-auth.ts";

const auth = (user: string) => ({ auth: Buffer.from(`${user}:secret-of-${user}`).toString("base64") });

/** Rule: runner-protocol.md §4.6. */
describe("the login for an image", () => {
  let home: string;
  const environment = () => ({ HOME: home, PATH: `${path.join(home, "bin")}:/usr/bin:/bin` });

  before(async () => {
    home = await mkdtemp(path.join(tmpdir(), "jobscope-logins-"));
    await mkdir(path.join(home, ".docker"));
    await mkdir(path.join(home, "bin"));
    await writeFile(
      path.join(home, ".docker/config.json"),
      JSON.stringify({
        auths: { "registry.example.com": auth("file") },
        credHelpers: { "helped.example.com": "test" },
      }),
    );
    const helper = path.join(home, "bin/docker-credential-test");
    const answers = [
      'read -r server; case "$server" in',
      `helped.example.com) echo '{"Username":"helper","Secret":"from-helper"}';;`,
      `token.example.com) echo '{"Username":"<token>","Secret":"identity"}';;`,
      '*) echo "credentials not found in native keychain"; exit 1;; esac',
    ];
    await writeFile(helper, `#!/bin/sh\n${answers.join("\n")}\n`);
    await chmod(helper, 0o755);
  });

  after(() => rm(home, { recursive: true }));

  async function find(
    reference: string,
    access: { authConfig?: object | string; credentials?: { url: string; username: string; password: string }[] },
  ) {
    const { authConfig = "", credentials = [] } = access;
    const text = typeof authConfig === "string" ? authConfig : JSON.stringify(authConfig);
    const problems: string[] = [];
    const finder = createLoginFinder({ authConfig: text, credentials }, environment());
    const login = await finder(reference, (problem) => problems.push(problem));
    return { login, problems };
  }

  test("is the variable's before the file's, and the file's before the payload's", async () => {
    const credentials = ["registry.example.com", "other.example.com"].map((url) => ({
      url,
      username: "payload",
      password: "p",
    }));
    const authConfig = { auths: { "registry.example.com": auth("variable") } };
    const first = await find("registry.example.com/a:1", { authConfig, credentials });
    assert.equal(first.login?.source, "$DOCKER_AUTH_CONFIG");
    const second = await find("registry.example.com/a:1", { credentials });
    assert.equal(second.login?.source, path.join(home, ".docker/config.json"));
    const third = await find("other.example.com/a", { credentials });
    assert.equal(third.login?.source, "job payload (GitLab Registry)");
    assert.deepEqual(third.login?.auth, { username: "payload", password: "p", serveraddress: "other.example.com" });
    assert.equal((await find("nobody.example.com/a", { credentials })).login, undefined);
  });

  test("is that of the longest path which begins its name", async () => {
    const authConfig = {
      auths: {
        "r.example.com": auth("host"),
        "r.example.com/group": auth("group"),
        "r.example.com/gro": auth("other"),
      },
    };
    const userOf = async (reference: string) => {
      const { login } = await find(reference, { authConfig });
      return login !== undefined && "username" in login.auth ? login.auth.username : undefined;
    };
    assert.equal(await userOf("r.example.com/group/tool:1"), "group");
    assert.equal(await userOf("r.example.com/groups/tool"), "host");
    assert.equal(await userOf("R.EXAMPLE.com/group/tool"), "group");
  });

  test("is that of the longest path, whatever source it is of", async () => {
    const credentials = [{ url: "registry.example.com/group", username: "payload", password: "p" }];
    const authConfig = { auths: { "registry.example.com": auth("variable") } };
    const { login } = await find("registry.example.com/group/tool:1", { authConfig, credentials });
    assert.equal(login?.source, "job payload (GitLab Registry)");
    const other = await find("registry.example.com/other:1", { authConfig, credentials });
    assert.equal(other.login?.source, "$DOCKER_AUTH_CONFIG");
  });

  test("is that of Docker Hub by each of its names", async () => {
    const authConfig = { auths: { "https://index.docker.io/v1/": auth("hub") } };
    for (const reference of ["alpine", "docker.io/library/alpine", "group/tool:2"]) {
      assert.equal((await find(reference, { authConfig })).login?.source, "$DOCKER_AUTH_CONFIG", reference);
    }
  });

  test("comes from a credential helper where one is named", async () => {
    const helped = await find("helped.example.com/a", {});
    assert.deepEqual(helped.login?.auth, {
      username: "helper",
      password: "from-helper",
      serveraddress: "helped.example.com",
    });
    const token = await find("token.example.com/a", { authConfig: { credsStore: "test" } });
    assert.deepEqual(token.login?.auth, { identitytoken: "identity", serveraddress: "token.example.com" });
    assert.equal((await find("unknown.example.com/a", { authConfig: { credsStore: "test" } })).login, undefined);
  });

  for (const { name, authConfig, problem } of [
    { name: "a text that is no JSON", authConfig: "{secret", problem: /^\$DOCKER_AUTH_CONFIG is no JSON in the form/ },
    {
      name: "a helper that is not installed",
      authConfig: { credHelpers: { "x.example.com": "absent" } },
      problem: /docker-credential-absent is not installed/,
    },
    {
      name: "a helper whose name is a path",
      authConfig: { credHelpers: { "x.example.com": "../evil" } },
      problem: /"\.\.\/evil" is no name of a credential helper/,
    },
  ]) {
    test(`${name} is told of without its content, and the image is asked for anonymously`, async () => {
      const { login, problems } = await find("x.example.com/a", { authConfig });
      assert.equal(login, undefined);
      assert.match(problems.join("\n"), problem);
      assert.doesNotMatch(problems.join("\n"), /secret/);
    });
  }
});
