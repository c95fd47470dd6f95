// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the expressions of functions look like that
import { type EvaluationContext, evaluateTemplate, parseTemplate, valueFromJson } from "@jobscope/functions";
import { type Benchmark, median } from "./support/figures.ts";

const perRound = 200_000;
const rounds = 9;
const context: EvaluationContext = new Map([
  ["inputs", valueFromJson({ count: 41, name: "Ada" })],
  ["vars", valueFromJson({ CI_COMMIT_REF_NAME: "main" })],
]);
const simple = "${{ inputs.count + 1 }}";
const mixed = '${{ vars.CI_COMMIT_REF_NAME == "main" && inputs.name || "nobody" }}-${{ str(inputs.count) }}';

/** The expression language on one core. */
export const expressions: Benchmark = {
  name: "expressions",
  title: "Expressions of CI Functions",
  method:
    `${perRound.toLocaleString("en")} evaluations of \`${simple}\`, parsed once or each time, and of a template with two ` +
    `expressions, a comparison and a call, by the processor time of one process; median of ${rounds} rounds.`,
  async run() {
    const parsed = parseTemplate(simple);
    const parsedMixed = parseTemplate(mixed);
    return [
      figure("simple evaluations a second", () => evaluateTemplate(parsed, context), "> 500,000"),
      figure("the same with parsing", () => evaluateTemplate(parseTemplate(simple), context), "> 500,000"),
      figure("templates of two expressions a second", () => evaluateTemplate(parsedMixed, context), ""),
    ];
  },
};

function figure(what: string, evaluate: () => unknown, target: string) {
  const rates = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    for (let index = 0; index < perRound; index += 1) evaluate();
    const { user, system } = process.cpuUsage(before);
    return (perRound * 1e6) / (user + system);
  });
  return { what, value: Math.round(median(rates)).toLocaleString("en"), target };
}
