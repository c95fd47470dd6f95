import { fileURLToPath } from "node:url";
import { Language, Parser } from "web-tree-sitter";

/** Reads PowerShell with tree-sitter's grammar: what can be said of a script where PowerShell is not installed. */
export interface PowerShellParser {
  /** The first part of a script that is no PowerShell; `undefined` when all of it is. */
  firstError(script: string): string | undefined;
}

export async function createPowerShellParser(): Promise<PowerShellParser> {
  await Parser.init();
  const grammar = import.meta.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
  const language = await Language.load(fileURLToPath(grammar));
  const parser = new Parser();
  parser.setLanguage(language);
  return {
    firstError(script) {
      const tree = parser.parse(script);
      if (tree === null) return "the parser gave up";
      if (!tree.rootNode.hasError) return undefined;
      return tree.rootNode.descendantsOfType("ERROR")[0]?.text.slice(0, 200) ?? "something is missing";
    },
  };
}

/** What a literal of PowerShell means, read by the rules of about_Quoting_Rules and about_Special_Characters. */
export function readPowerShellLiteral(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith("'")) return body.replaceAll("''", "'");
  const names: Readonly<Record<string, string>> = {
    ...{ a: "\x07", b: "\b", e: "\x1b", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v", 0: "\0" },
  };
  return body.replace(/`(?:u\{([0-9a-f]{1,6})\}|(.))/gsu, (_, code: string | undefined, character: string) =>
    code === undefined ? (names[character] ?? character) : String.fromCodePoint(Number.parseInt(code, 16)),
  );
}
