import { type ProcessReading, readChildren, readProcess } from "./proc-files.ts";

/** More processes than these are not looked at: looking must not cost what the job should have. */
const maxProcesses = 512;

/** A tree of processes at one moment: by pid, parents before children. */
export type ProcessTree = ReadonlyMap<number, ProcessReading>;

/**
 * Looks at the descendants of a process. One whose parent has ended belongs to the tree as long as it runs, if an earlier
 * look found it there.
 *
 * @param before what the last look found; its processes are looked for again.
 */
export function lookAtTree(rootPid: number, before: ProcessTree): ProcessTree {
  const tree = new Map<number, ProcessReading>();
  const pending = [...before.keys(), rootPid];
  for (let pid = pending.pop(); pid !== undefined && tree.size < maxProcesses; pid = pending.pop()) {
    const reading = tree.has(pid) ? undefined : readProcess(pid);
    const known = before.get(pid);
    const isAnother = known !== undefined && known.startTicks !== reading?.startTicks;
    if (reading === undefined || isAnother) continue;
    tree.set(pid, reading);
    pending.push(...readChildren(pid));
  }
  return tree;
}
