/** What the coordinator is told about a runner that it makes from a registration token. */
export interface ServerSideOptions {
  readonly tagList?: string | undefined;
  readonly runUntagged?: boolean | undefined;
  readonly locked?: boolean | undefined;
  readonly accessLevel?: "not_protected" | "ref_protected" | undefined;
  /** Seconds. */
  readonly maximumTimeoutS?: number | undefined;
  readonly paused?: boolean | undefined;
  readonly maintenanceNote?: string | undefined;
}

export interface RegisterOptions {
  readonly configFile: string;
  /** Asks nothing; what is missing is an error. */
  readonly nonInteractive: boolean;
  readonly url?: string | undefined;
  /** An authentication token (`glrt-…`). A secret. */
  readonly runnerToken?: string | undefined;
  /** A legacy registration token; an authentication token is taken too. A secret. */
  readonly registrationToken?: string | undefined;
  readonly name?: string | undefined;
  readonly executor?: string | undefined;
  readonly serverSide: ServerSideOptions;
  /** Keeps a runner at its coordinator although registration failed later. Default: false. */
  readonly leaveRunner?: boolean;
  /** A file with exactly one `[[runners]]`, whose keys are used where no option gives a value. */
  readonly templateFile?: string | undefined;
  /** Further keys of the new `[[runners]]` table, spelt as in the file: `limit`, `builds_dir`, `environment`, … */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The same and all others, as flags: `["--docker-image", "alpine"]`. */
  readonly settingArgs?: readonly string[];
}
