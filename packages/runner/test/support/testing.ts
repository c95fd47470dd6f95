export { aVariable } from "./job-payload.ts";
export { filesOfJobs, leftInTemporary, processesOfJobs } from "./job-remains.ts";
export { type RunnerProcess, startRunnerProcess } from "./runner-process.ts";
export {
  type CallKind,
  type RecordedCall,
  type ScriptableCoordinator,
  startScriptableCoordinator,
} from "./scriptable-coordinator.ts";
export { skippedWithout, testPeer } from "./test-peers.ts";
export { aScriptJob } from "./with-manager.ts";
