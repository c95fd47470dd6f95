import type {
  AllowFailure,
  AutoCancelDefinition,
  LegacyPolicy,
  NeedDefinition,
  RuleDefinition,
  YamlVariable,
} from "../config/job-definition.ts";
import { expandFully } from "../variables/expand-variables.ts";
import { evaluateExpression, type VariableLookup } from "./evaluate-expression.ts";
import { anyPathMatches } from "./match-paths.ts";

/** What rules can look at. */
export interface RuleContext {
  readonly lookup: VariableLookup;
  /** Every path of the snapshot. */
  readonly files: readonly string[];
  /**
   * Paths that differ from the given ref, or for no ref from what was there before.
   * `undefined` when that cannot be told: `changes` then holds, as in GitLab.
   */
  readonly changedFiles: (compareTo: string | undefined) => readonly string[] | undefined;
  readonly ref: string;
  readonly isTag: boolean;
  readonly source: string;
}

/** What a rule decided beyond "yes". Missing parts leave the job's own keywords as they are. */
export interface RuleDecision {
  readonly when?: string;
  readonly startInSeconds?: number;
  readonly allowFailure?: AllowFailure;
  readonly variables: readonly YamlVariable[];
  readonly needs?: readonly NeedDefinition[];
  readonly interruptible?: boolean;
  readonly autoCancel?: AutoCancelDefinition;
}

/**
 * The first rule whose conditions all hold decides; none, or one with `when: never`, means no.
 * @throws {ExpressionError} for an `if` that is no expression.
 */
export function decideRules(rules: readonly RuleDefinition[], context: RuleContext): RuleDecision | undefined {
  const matched = rules.find((rule) => ruleHolds(rule, context));
  return matched === undefined || matched.when === "never" ? undefined : matched;
}

function ruleHolds(rule: RuleDefinition, context: RuleContext): boolean {
  if (rule.if !== undefined && !evaluateExpression(rule.if, context.lookup)) return false;
  if (rule.exists !== undefined && !anyPathMatches(context.files, expandAll(rule.exists, context))) return false;
  if (rule.changes === undefined) return true;
  const { paths, compareTo } = rule.changes;
  const changed = context.changedFiles(compareTo && expandFully(compareTo, context.lookup));
  return changed === undefined || anyPathMatches(changed, expandAll(paths, context));
}

function expandAll(globs: readonly string[], context: RuleContext): string[] {
  return globs.map((glob) => expandFully(glob, context.lookup));
}

/**
 * `only` and `except`, with GitLab's default `only: [branches, tags]`.
 * Rule: GitLab's reference "only / except": all kinds of conditions of `only` must hold, any of `except` excludes.
 */
export function decideLegacy(
  only: LegacyPolicy | undefined,
  except: LegacyPolicy | undefined,
  context: RuleContext,
): boolean {
  const required = only ?? { refs: ["branches", "tags"], variables: [], changes: [] };
  const refs = required.refs.length === 0 ? ["branches", "tags"] : required.refs;
  if (!refs.some((pattern) => refMatches(pattern, context))) return false;
  if (required.variables.length > 0 && !anyExpression(required.variables, context)) return false;
  if (required.changes.length > 0 && !changesHold(required.changes, context)) return false;
  if (except === undefined) return true;
  const excluded =
    except.refs.some((pattern) => refMatches(pattern, context)) ||
    anyExpression(except.variables, context) ||
    (except.changes.length > 0 && changesHold(except.changes, context));
  return !excluded;
}

function anyExpression(expressions: readonly string[], context: RuleContext): boolean {
  return expressions.some((expression) => evaluateExpression(expression, context.lookup));
}

function changesHold(globs: readonly string[], context: RuleContext): boolean {
  const changed = context.changedFiles(undefined);
  return changed === undefined || anyPathMatches(changed, expandAll(globs, context));
}

const sourcesByPlural: Readonly<Record<string, string>> = {
  pushes: "push",
  web: "web",
  schedules: "schedule",
  triggers: "trigger",
  api: "api",
  pipelines: "pipeline",
  external: "external",
  chat: "chat",
  merge_requests: "merge_request_event",
};

function refMatches(pattern: string, context: RuleContext): boolean {
  const name = pattern.split("@")[0] ?? pattern;
  if (name === "branches") return !context.isTag;
  if (name === "tags") return context.isTag;
  if (sourcesByPlural[name] !== undefined) return context.source === sourcesByPlural[name];
  if (name.startsWith("/")) return evaluateExpression(`$REF =~ ${name}`, () => context.ref);
  return name === context.ref;
}
