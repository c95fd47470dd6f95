// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of PowerShell look like that.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import fc from "fast-check";
import {
  createPowerShellParser,
  type PowerShellParser,
  readPowerShellLiteral,
} from "../../../test/support/parse-powershell.ts";
import { aScriptContext, aSourcesRequest, type SourcesWishes } from "../../../test/support/script-requests.ts";
import type { UserScriptRequest } from "../shell-dialect.ts";
import { createVariableSet, plainVariable } from "../variable-set.ts";
import { createPowerShellDialect } from "./powershell-dialect.ts";
import { quoteForPowerShell } from "./quote.ts";

const dialect = createPowerShellDialect();

describe("PowerShell's script language (runner-protocol.md §3)", () => {
  let parser: PowerShellParser;

  before(async () => {
    parser = await createPowerShellParser();
  });

  /** The text of the block that a script makes, after checking that both are PowerShell. */
  function bodyOf(script: string): string {
    assert.match(script, /^[\n\x20-\x7e]*$/);
    assert.equal(parser.firstError(script), undefined);
    const [, literal] = /^#!\/usr\/bin\/env pwsh\n& \(\[scriptblock\]::Create\((.*)\)\)\nexit 1\n$/.exec(script) ?? [];
    const body = readPowerShellLiteral(literal ?? assert.fail(script));
    assert.equal(parser.firstError(body), undefined, body);
    assert.match(
      body,
      /^\$ErrorActionPreference = "Stop"\n\$PSNative\w+ = \$false\n(?:Set-PSDebug -Trace 2\n)?\. \{\n[\s\S]*\n\}\nexit 0\n$/,
    );
    return body;
  }

  function userScript(entries: readonly string[], changes: Partial<UserScriptRequest> = {}): string {
    const parts = [{ sectionPrefix: "script_step", entries }];
    return dialect.userScript({
      ...aScriptContext(),
      parts,
      notice: undefined,
      commandMarksFile: undefined,
      ...changes,
    });
  }

  test("any text is one literal of printable ASCII, in which nothing is expanded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const literal = quoteForPowerShell(text);
        assert.match(literal, /^(?:'(?:[\x20-\x26\x28-\x7e]|'')*'|"(?:[^`$"]|`u\{[0-9a-f]+\}|`[abefnrtv`$"#])*")$/);
        assert.match(literal, /^[\x20-\x7e]*$/);
        assert.equal(readPowerShellLiteral(literal), text.replaceAll("\0", "").toWellFormed());
      }),
    );
  });

  test("the grammar takes such literals for one string", () => {
    const texts = ["a'b", "‘quotes’ “of” kinds", "$env:HOME `n", "\x1b[0m\r\n\t", "😀 é", "a}b{", '"', ""];
    const script = texts.map((text) => `[Console]::WriteLine(${quoteForPowerShell(text)})\n`).join("");
    assert.equal(parser.firstError(script), undefined);
  });

  const quoted = [
    { text: "plain", becomes: "'plain'" },
    { text: "it's", becomes: "'it''s'" },
    { text: "$x `y", becomes: "'$x `y'" },
    { text: "a\nb", becomes: '"a`nb"' },
    { text: "é$\n", becomes: '"`u{e9}`$`n"' },
  ];
  for (const { text, becomes } of quoted) {
    test(`${JSON.stringify(text)} is spelled ${becomes}`, () => assert.equal(quoteForPowerShell(text), becomes));
  }

  const exported = [
    { name: "a variable of environment and language", key: "CI_X", value: "v", line: "$CI_X = $env:CI_X = 'v'" },
    { name: "a name that needs braces", key: "A-B", value: "v", line: "${A-B} = ${env:A-B} = 'v'" },
    { name: "a name that is PowerShell's own", key: "HOME", value: "/h", line: "$env:HOME = '/h'" },
    { name: "the same in other letters", key: "home", value: "/h", line: "$env:home = '/h'" },
    { name: "a value of many lines", key: "K", value: "a\nb", line: '$K = $env:K = "a`nb"' },
  ];
  for (const { name, key, value, line } of exported) {
    test(`${name} is exported`, () => {
      const variables = createVariableSet([plainVariable(key, value)], "/tmp/p.tmp");
      assert.ok(bodyOf(userScript([], { variables })).includes(`\n${line}\n`));
    });
  }

  test("a file variable is written, and its path exported", () => {
    const variables = createVariableSet([{ ...plainVariable("KEY", "a\nb"), isFile: true }], "/b/p.tmp");
    const body = bodyOf(userScript([], { variables }));
    assert.ok(
      body.includes("[System.IO.File]::WriteAllText('/b/p.tmp/KEY', \"a`nb\")\n$KEY = $env:KEY = '/b/p.tmp/KEY'"),
    );
  });

  test("entries are shown, run as they are, and checked one by one", () => {
    const body = bodyOf(userScript(["  Get-Date  ", "git status\ngit diff", ""]));
    const check = "if (-not $?) { exit $(if ($LASTEXITCODE) { $LASTEXITCODE } else { 1 }) }";
    const shown = (text: string) => `[Console]::WriteLine("\`e[32;1m\`$ ${text}\`e[0;m")`;
    assert.ok(
      body.endsWith(
        [
          "Set-Location -LiteralPath '/builds/group/demo'",
          ...[shown("Get-Date"), "Get-Date", check],
          ...[shown("git status `# collapsed multi-line command"), "git status", "git diff", check],
          ...["[Console]::WriteLine('')", "", check],
          ...["}", "exit 0\n"],
        ].join("\n"),
      ),
      body,
    );
  });

  test("sections, marks, the notice and debugging are as in other languages", () => {
    const body = bodyOf(
      userScript(["one\ntwo", "three"], {
        notice: "Running after script...",
        showsScriptSections: true,
        commandMarksFile: "/b/p.tmp/command_marks",
        isDebugTrace: true,
      }),
    );
    assert.ok(body.includes("\nSet-PSDebug -Trace 2\n"));
    assert.ok(body.includes('[Console]::WriteLine("`e[32;1mRunning after script...`e[0;m")'));
    assert.ok(
      body.includes(":section_script_step_0[hide_duration=true,collapsed=true]`r`e[0K`e[32;1m`$ one`ntwo`e[0;m"),
    );
    assert.ok(body.includes("AppendAllText('/b/p.tmp/command_marks', \"1 0`n\")"));
  });

  const sources: { readonly name: string; readonly wishes: SourcesWishes; readonly holds: readonly string[] }[] = [
    {
      name: "fetch",
      wishes: {},
      holds: [
        "& 'git' 'init' '/builds/group/demo' '--template' '/builds/group/demo.tmp/git-template'\n",
        "try { & 'git' 'remote' 'add' 'origin' 'https://gitlab.example.com/group/demo.git' *> $null; ",
        "'fetch' 'origin' '--no-recurse-submodules' '+refs/heads/main:refs/remotes/origin/main' '--depth' '20' '--prune' '--quiet'\n",
        "& 'git' '-c' 'submodule.recurse=false' 'checkout' '-f' '-q' '0123456789abcdef0123456789abcdef01234567'\n",
        "& 'git' 'clean' '-ffdx'\n",
        "Skipping Git submodules setup",
      ],
    },
    {
      name: "fetch of everything into what may be shallow",
      wishes: { git: { depth: 0, objectFormat: "sha256" } },
      holds: [
        "if (Test-Path -LiteralPath '/builds/group/demo/.git/shallow') {",
        "'--unshallow'",
        "'--object-format' 'sha256'",
      ],
    },
    {
      name: "clone",
      wishes: { settings: { strategy: "clone", checksOut: false, cleanFlags: [], skipsLfs: true } },
      holds: ["Remove-Item -LiteralPath '/builds/group/demo' -Recurse -Force", "Skipping Git checkout"],
    },
    {
      name: "git's own clone",
      wishes: { settings: { strategy: "clone", cloneFlags: ["--reference", "/x"] }, usesNativeClone: true },
      holds: [
        "(& 'git' 'clone' '-h' 2>&1 | Out-String).Contains('--revision')",
        "'--branch' 'main' '--reference' '/x'",
      ],
    },
    {
      name: "submodules",
      wishes: {
        settings: {
          submodules: { isRecursive: true, paths: ["a b", ":(exclude)c"], depth: 1, updateFlags: ["--remote"] },
        },
      },
      holds: [
        "& 'git' '-c' 'include.path=/builds/group/demo.tmp/.gitlab-runner.ext.conf' 'submodule' 'update' '--init' " +
          "'--recursive' '--depth' '1' '--remote' '--' 'a b' ':(exclude)c'; $_runner_succeeded = $? } catch { }",
        "Updating submodules failed. Retrying...",
      ],
    },
    {
      name: "everything else",
      wishes: {
        usesTokenlessGit: true,
        cleansGitConfig: true,
        marksSafeDirectory: true,
        usesProactiveAuth: true,
        correlationId: "0123",
        receivedBytesFile: "/never",
        preHooks: ["before\n# twice"],
        postHooks: ["after"],
        settings: { submodules: { isRecursive: false, paths: [], depth: 0, updateFlags: [] } },
      },
      holds: ["'safe.directory'", "Gitaly correlation ID: 0123", "$GIT_CONFIG_GLOBAL = $env:GIT_CONFIG_GLOBAL = "],
    },
  ];
  for (const { name, wishes, holds } of sources) {
    test(`the sources: ${name}`, () => {
      const body = bodyOf(dialect.getSources(aSourcesRequest(wishes)));
      for (const part of holds) assert.ok(body.includes(part), `${part}\n\nin\n\n${body}`);
    });
  }

  test("the other scripts are PowerShell too", () => {
    const { settings } = aSourcesRequest();
    const submodules = { isRecursive: true, paths: [], depth: 0, updateFlags: [] };
    bodyOf(dialect.clearWorktree(aScriptContext()));
    bodyOf(dialect.resetWorktree({ ...aScriptContext(), settings: { ...settings, submodules } }));
  });

  test("an entry that is no PowerShell leaves the script one that is: the block says so when it is made", () => {
    const script = userScript(["if ($true) {"]);
    assert.equal(parser.firstError(script), undefined);
  });
});
