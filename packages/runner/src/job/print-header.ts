import { describeFeatureFlags, idleFeatureFlags } from "./feature-flags.ts";
import type { JobContext } from "./job-context.ts";
import type { JobLog, JobLogLines } from "./log/job-log.ts";

/** The first lines of every job log, ahead of any section. Rule: runner-protocol.md §2.4.3. */
export function printHeader({ options, flags }: JobContext, log: JobLog): void {
  const { product, runner, systemId, traceLine } = options;
  const lines = log.openLines();
  lines.plain(`Running with ${product.name} ${product.version} (${product.revision})`);
  if (runner.shortToken !== "") lines.plain(`  on ${runner.name} ${runner.shortToken}, system ID: ${systemId}`);
  const changed = describeFeatureFlags(flags);
  if (changed !== "") lines.plain(`  feature flags: ${changed}`);
  if (traceLine !== undefined) lines.plain(`  ${traceLine}`);
  lines.end();
}

/** What a security policy says of the job's variables. Rule: runner-protocol.md §2.4.6. */
export function printPolicy({ options }: JobContext, lines: JobLogLines): void {
  const policy = options.job.policy;
  if (policy === undefined || !policy.isExecutionPolicyJob) return;
  lines.info(`Job triggered by policy "${policy.name}".`);
  if (policy.variablesOverrideAllowed === undefined) {
    lines.info(
      "Variables defined in the policy take precedence over matching user-defined CI/CD variables for this job.",
    );
    return;
  }
  const allowed = policy.variablesOverrideAllowed ? "allowed" : "ignored";
  const exceptions = policy.variablesOverrideExceptions;
  const except = exceptions.length === 0 ? "" : ` (except for ${exceptions.join(", ")})`;
  lines.info(`User-defined CI/CD variables are ${allowed} in this job${except} according to the policy.`);
}

/** Flags the operator was told of already, for each runner. */
const toldFlags = new WeakMap<object, Set<string>>();

/** Tells the operator, once for each runner and flag, of flags that were set and change nothing here. */
export function warnOfIdleFlags({ options, flags }: JobContext): void {
  const told = toldFlags.get(options.runner) ?? new Set();
  toldFlags.set(options.runner, told);
  for (const flag of idleFeatureFlags(flags, options.executor.name)) {
    if (told.has(flag)) continue;
    told.add(flag);
    options.log.warn("a feature flag is set that changes nothing in this runner", { flag });
  }
}
