/** A process that runs one job in containers and says when its script runs; to be killed. Its argument says which. */
import { createDockerScene } from "./docker-scene.ts";

const { identity, image, projectId } = JSON.parse(process.argv[2] ?? "") as {
  identity: string;
  image: string;
  projectId: number;
};
const scene = await createDockerScene({ shared: { identity, image, projectId } });
await scene.run(
  {
    script: ["echo the script runs", "sleep 300"],
    variables: { FF_NETWORK_PER_BUILD: "true", GIT_STRATEGY: "empty" },
    services: [{ name: image, command: ["sleep", "300"] }],
  },
  { onLog: (text) => process.stdout.write(/^the script runs$/m.test(text) ? "running\n" : "") },
);
