import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { inspect } from "node:util";
import { ConfigError } from "../config-error.ts";
import { openTokenFile } from "./static-tokens.ts";

const token = "first-token-0123456789";

describe("a file of tokens", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "jobscope-tokens-"));
  });
  after(() => rm(folder, { recursive: true }));

  test("holds one a line, told apart without being kept", async () => {
    const tokens = await openTokenFile(
      "auth.tokenFile",
      await file(`# senders\n\n ${token} \r\nsecond+token/0123456789==\n`),
      "tokens",
    );
    const holders = [token, "second+token/0123456789=="].map((known) => tokens.holderOf(known));
    assert.equal(new Set(holders).size, 2);
    assert.ok(!holders.includes(undefined));
    assert.ok(!inspect([tokens, holders], { depth: null, showHidden: true }).includes(token));
    for (const unknown of ["", "# senders", token.slice(1), `${token}x`])
      assert.equal(tokens.holderOf(unknown), undefined);
  });

  const broken: readonly [text: string, expected: RegExp][] = [
    ["", /holds no token; expected one a line/],
    ["# nothing\n", /holds no token/],
    [`${token}\nshort-secret`, /, line 2: the token has 12 characters; expected 16 or more/],
    [`${token} another-token-012345`, /, line 1: expected one token of letters/],
  ];
  for (const [text, expected] of broken) {
    test(`is refused without quoting it: ${expected.source}`, async () => {
      const path = await file(text);
      await assert.rejects(openTokenFile("auth.tokenFile", path, "tokens"), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, expected);
        assert.ok(error.message.startsWith(`auth.tokenFile: ${path}`));
        assert.doesNotMatch(error.message, /first-token|short-secret/);
        return true;
      });
    });
  }

  test("that is not there is named", async () => {
    await assert.rejects(
      openTokenFile("auth.tokenFile", join(folder, "none"), "tokens"),
      /auth\.tokenFile: .*none cannot be read \(ENOENT\)/,
    );
  });

  async function file(text: string): Promise<string> {
    const path = join(folder, "tokens");
    await writeFile(path, text);
    return path;
  }
});
