/**
 * The files that the commands of functions see: the job's directory, and what is made for each step. The engine sees a
 * container's disk only through this. All paths are absolute and the host's.
 */
export interface HostFiles {
  /** Makes a fresh directory that belongs to the user of the commands alone. */
  createPrivateDirectory(): Promise<string>;
  /** Makes a directory (mode 0700) with its parents, when it is missing. */
  makeDirectory(path: string): Promise<void>;
  isDirectory(path: string): boolean | Promise<boolean>;
  /** Writes a whole file. @param mode who may read and write it, when it is new. */
  writeFile(path: string, content: string, mode: number): void | Promise<void>;
  /** Reads a small regular file. @param followsLinks whether the file may be a symbolic link. Default: false. */
  readFile(
    path: string,
    options: { readonly maxBytes: number; readonly followsLinks?: boolean },
  ): FileContent | Promise<FileContent>;
  /** Removes files and directories with all in them; what is not there is no error. */
  remove(paths: readonly string[]): void | Promise<void>;
  /** Lets the commands see a directory of the engine's machine, a fetched function. @returns its path on the host. */
  provide(directory: string): Promise<string>;
  /**
   * Opens the job's directory to a built-in function, which runs inside the engine.
   *
   * @param wanted paths below it that will be read, files or directories; what is missing is for the built-in to find out.
   */
  openProject(workDir: string, wanted: readonly string[]): Promise<ProjectFiles>;
}

/** What became of reading a file whose path a command may have put anything at. */
export type FileContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "missing" }
  | { readonly kind: "not-regular" }
  | { readonly kind: "too-large" }
  /** `why` is the system's code, such as `EACCES`. */
  | { readonly kind: "unreadable"; readonly why: string };

/** The job's directory, or a copy of what was wanted of it; the copy is gone when disposed. */
export interface ProjectFiles extends AsyncDisposable {
  /** Absolute path on the engine's machine. */
  readonly directory: string;
  /** Brings a file made in `directory` to the same place in the job's directory. */
  store(name: string): Promise<void>;
}
