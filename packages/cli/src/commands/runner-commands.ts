import type { AddCommand } from "./add-command.ts";

/** The runner's own commands; what they do is @jobscope/runner's. */
export function addRunnerCommands(_add: AddCommand): void {}
