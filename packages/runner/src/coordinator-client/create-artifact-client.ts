import type { ProxyConfig } from "../config/manager-config.ts";
import type { ArtifactAccess, ArtifactClient } from "./coordinator-client.ts";
import { userAgent } from "./describe-runner.ts";
import { downloadArtifact } from "./download-artifact.ts";
import { Api } from "./http/api.ts";
import { Connections } from "./http/connections.ts";
import { uploadArtifact } from "./upload-artifact.ts";

/** Moves artifacts for a runner whose configuration this process does not have: in a container, say. */
export function createArtifactClient(
  access: ArtifactAccess,
  { proxy }: { readonly proxy: ProxyConfig },
): ArtifactClient & AsyncDisposable {
  const connections = new Connections({ tls: access.tls, proxy, connectionMaxAgeMs: 0 });
  const api = new Api({ url: access.url, connections, userAgent: userAgent() });
  return {
    uploadArtifact: (upload, call) => uploadArtifact(api, access, upload, call),
    downloadArtifact: (download, call) => downloadArtifact(api, download, call),
    [Symbol.asyncDispose]: () => connections[Symbol.asyncDispose](),
  };
}
