import type { JobInputDefinition } from "./job-inputs.ts";

/** `image:` or one entry of `services:`. */
export interface ImageDefinition {
  readonly name: string;
  readonly alias?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  readonly pullPolicy?: readonly string[];
  readonly variables?: readonly YamlVariable[];
  readonly ports?: readonly ImagePort[];
  readonly docker?: Readonly<Record<string, string | number>>;
  readonly kubernetes?: Readonly<Record<string, string | number>>;
}

/** A port that an image serves; only Kubernetes makes something of it (runner-protocol.md §1.8.6). */
export interface ImagePort {
  readonly number: number;
  readonly protocol: string;
  readonly name: string;
}

/** A variable of the configuration file. */
export interface YamlVariable {
  readonly key: string;
  readonly value: string;
  /** `expand: false`. */
  readonly raw: boolean;
}

/** One entry of `rules:`; also of `workflow: rules` and `include: rules`. */
export interface RuleDefinition {
  readonly if?: string;
  readonly changes?: { readonly paths: readonly string[]; readonly compareTo: string | undefined };
  readonly exists?: readonly string[];
  readonly when?: string;
  readonly allowFailure?: AllowFailure;
  readonly variables: readonly YamlVariable[];
  readonly needs?: readonly NeedDefinition[];
  readonly interruptible?: boolean;
  /** Only in `workflow: rules`. */
  readonly autoCancel?: AutoCancelDefinition;
}

/** `workflow: auto_cancel`. */
export interface AutoCancelDefinition {
  readonly on_new_commit?: "conservative" | "interruptible" | "none" | undefined;
  readonly on_job_failure?: "all" | "none" | undefined;
}

/** `allow_failure:`, either for any failure or for some exit codes of the script. */
export type AllowFailure = boolean | { readonly exitCodes: readonly number[] };

/** One entry of `needs:`. */
export interface NeedDefinition {
  readonly job: string;
  readonly artifacts: boolean;
  readonly optional: boolean;
  /** Only the matrix jobs whose variables have these values. */
  readonly matrix?: readonly MatrixEntry[];
}

/** One entry of `parallel: matrix`. */
export type MatrixEntry = ReadonlyMap<string, readonly string[]>;

/** `retry:`. */
export interface RetryDefinition {
  readonly max: number;
  /** Failure reasons; `always` is any. */
  readonly when: readonly string[];
  readonly exitCodes: readonly number[];
}

/** One entry of `cache:`. */
export interface CacheDefinition {
  readonly key:
    | string
    | { readonly files: readonly string[]; readonly commits: boolean; readonly prefix: string | undefined };
  readonly paths: readonly string[];
  readonly untracked: boolean;
  readonly unprotect: boolean;
  readonly policy: string;
  readonly when: string;
  readonly fallbackKeys: readonly string[];
}

/** `artifacts:`. */
export interface ArtifactsDefinition {
  readonly name: string | undefined;
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly untracked: boolean;
  readonly when: string | undefined;
  readonly expireIn: string | undefined;
  /** Report type (`junit`, `dotenv`, …) to its paths. */
  readonly reports: ReadonlyMap<string, readonly string[]>;
}

/** `environment:`. */
export interface EnvironmentDefinition {
  readonly name: string;
  readonly url: string | undefined;
  readonly action: string;
  readonly tier: string | undefined;
}

/** `only:` or `except:`. */
export interface LegacyPolicy {
  readonly refs: readonly string[];
  readonly variables: readonly string[];
  readonly changes: readonly string[];
}

/** One job of the expanded configuration, `default:` applied, in one spelling whichever one the user chose. */
export interface JobDefinition {
  readonly name: string;
  readonly pipelineStage: string;
  readonly script: readonly string[];
  readonly beforeScript: readonly string[];
  readonly afterScript: readonly string[];
  /** `run:` as it is (CI Functions). */
  readonly run: readonly unknown[] | undefined;
  readonly image: ImageDefinition | undefined;
  readonly services: readonly ImageDefinition[];
  readonly variables: readonly YamlVariable[];
  readonly inheritsVariables: boolean | readonly string[];
  readonly rules: readonly RuleDefinition[] | undefined;
  readonly only: LegacyPolicy | undefined;
  readonly except: LegacyPolicy | undefined;
  readonly when: string;
  readonly startInSeconds: number | undefined;
  readonly allowFailure: AllowFailure | undefined;
  readonly needs: readonly NeedDefinition[] | undefined;
  readonly dependencies: readonly string[] | undefined;
  readonly parallel: number | readonly MatrixEntry[] | undefined;
  readonly retry: RetryDefinition;
  readonly timeoutSeconds: number | undefined;
  readonly tags: readonly string[];
  readonly cache: readonly CacheDefinition[];
  readonly artifacts: ArtifactsDefinition | undefined;
  readonly interruptible: boolean;
  readonly resourceGroup: string | undefined;
  readonly environment: EnvironmentDefinition | undefined;
  readonly coverage: string | undefined;
  readonly preGetSources: readonly string[];
  readonly idTokens: ReadonlyMap<string, readonly string[]>;
  /** Variable name → where its value is kept. */
  readonly secrets: ReadonlyMap<string, SecretDefinition>;
  readonly inputs: ReadonlyMap<string, JobInputDefinition>;
  /** What to ask before a manual job is played. */
  readonly manualConfirmation: string | undefined;
  readonly trigger: TriggerDefinition | undefined;
}

/** One entry of `secrets:`. */
export interface SecretDefinition {
  readonly provider:
    | "vault"
    | "gcp_secret_manager"
    | "azure_key_vault"
    | "aws_secrets_manager"
    | "gitlab_secrets_manager";
  /** In the payload's spelling. */
  readonly reference: Readonly<Record<string, unknown>>;
  /** The variable holds the path of a file with the value. */
  readonly file: boolean;
  /** Reference to the ID token to show, such as `$VAULT_TOKEN`. */
  readonly token: string | undefined;
}

/** `trigger:` with `include:`; other kinds are not acted on. */
export interface TriggerDefinition {
  /** Entries as in `include:`; a text is `local`. Also `{ artifact, job }`: a file that a job of this pipeline made. */
  readonly include: readonly Readonly<Record<string, unknown>>[];
  /** `strategy: depend`: the job is running until the child pipeline has ended, and ends like it. */
  readonly dependsOnChild: boolean;
  readonly forwardsYamlVariables: boolean;
  readonly forwardsPipelineVariables: boolean;
}
