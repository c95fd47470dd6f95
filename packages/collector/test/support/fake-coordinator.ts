import { once } from "node:events";
import { createServer } from "node:http";

/** What `GET /api/v4/job` of a coordinator says of one token. */
export interface FakeJob {
  readonly id: number;
  readonly pipeline: { readonly id: number; readonly source?: string };
}

/** A coordinator that knows whose a job token is, as GitLab answers it. */
export interface FakeCoordinator extends AsyncDisposable {
  readonly url: string;
  /** By job token. */
  readonly jobs: Map<string, FakeJob>;
  /** How often it was asked. */
  readonly questions: number;
  /** Answers 503 to everything, or no longer. */
  setAway(isAway: boolean): void;
}

export async function startFakeCoordinator(): Promise<FakeCoordinator> {
  const jobs = new Map<string, FakeJob>();
  let questions = 0;
  let isAway = false;
  const server = createServer((request, response) => {
    if (request.url === "/api/v4/job") questions += 1;
    const job = jobs.get(String(request.headers["job-token"]));
    const status = isAway ? 503 : job === undefined ? 401 : 200;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { ...job, status: "running" } : { message: "401 Unauthorized" }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  return {
    url: `http://127.0.0.1:${typeof bound === "object" ? bound?.port : ""}`,
    jobs,
    get questions() {
      return questions;
    },
    setAway(away) {
      isAway = away;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}
