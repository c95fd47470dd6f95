import type Dockerode from "dockerode";

export type FoundEngine =
  | { readonly kind: "answers"; readonly docker: Dockerode }
  /** `why`: in the client's words. */
  | { readonly kind: "silent"; readonly why: string };

/** Looks whether the engine that the environment names (`DOCKER_HOST`, as for the `docker` command) answers. */
export async function findDockerEngine(): Promise<FoundEngine> {
  const { default: Docker } = await import("dockerode");
  try {
    const docker = new Docker();
    await docker.ping();
    return { kind: "answers", docker };
  } catch (error) {
    return { kind: "silent", why: error instanceof Error ? error.message : String(error) };
  }
}
