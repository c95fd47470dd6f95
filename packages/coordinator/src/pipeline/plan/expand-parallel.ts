import type { JobDefinition, MatrixEntry } from "../config/job-definition.ts";

/** One job that `parallel:` makes; a job without it makes one. */
export interface JobInstance {
  readonly definition: JobDefinition;
  /** `name 2/3` or `name: [linux, 20]` (GitLab's Normalizer). */
  readonly name: string;
  /** Variables of the matrix, in the order of its keys. */
  readonly matrix: ReadonlyMap<string, string>;
  readonly node: { readonly index: number; readonly total: number } | undefined;
}

/** Makes the jobs that `parallel: N` and `parallel: matrix` stand for, in GitLab's order. */
export function expandParallel(definition: JobDefinition): JobInstance[] {
  const { parallel, name } = definition;
  if (parallel === undefined) return [{ definition, name, matrix: new Map(), node: undefined }];
  if (typeof parallel === "number") {
    return Array.from({ length: parallel }, (_, index) => ({
      definition,
      name: `${name} ${index + 1}/${parallel}`,
      matrix: new Map(),
      node: { index: index + 1, total: parallel },
    }));
  }
  const combinations = parallel.flatMap(combinationsOf);
  return combinations.map((matrix, index) => ({
    definition,
    name: `${name}: [${[...matrix.values()].join(", ")}]`,
    matrix,
    node: { index: index + 1, total: combinations.length },
  }));
}

/** All combinations of one matrix entry's values; the last key varies fastest. */
export function combinationsOf(entry: MatrixEntry): ReadonlyMap<string, string>[] {
  let combinations: [string, string][][] = [[]];
  for (const [key, values] of entry) {
    combinations = combinations.flatMap((chosen) =>
      values.map((value): [string, string][] => [...chosen, [key, value]]),
    );
  }
  return combinations.map((pairs) => new Map(pairs));
}
