/** The expression language of CI Functions alone (ci-functions.md §7): for job inputs, without the engine. */
export { type EvaluationContext, evaluateText } from "./expression/evaluate.ts";
export { ExpressionError } from "./expression/expression-error.ts";
export { parseTemplate } from "./expression/template.ts";
export { type Value, valueFromJson } from "./expression/value.ts";
