import type { CollectorFlags } from "../actions/run-collector.ts";
import { type AddCommand, collect, examples, isDebug } from "./add-command.ts";

export function addCollectorCommand({ program, context }: AddCommand): void {
  program
    .command("collector")
    .summary("receive spans over OTLP, store them in ClickHouse, answer queries")
    .description("Receive spans over OTLP, store them in ClickHouse, answer queries.")
    .option("--otlp-http <host:port>", "OTLP over HTTP; port 0 takes a free one, `none` for none", "127.0.0.1:4318")
    .option("--otlp-grpc <host:port>", "OTLP over gRPC; likewise", "127.0.0.1:4317")
    .option("--api <host:port>", "query API; likewise", "127.0.0.1:4320")
    .option("--data <dir>", "where the embedded ClickHouse keeps its files", context.defaultDataDir)
    .option("--clickhouse <url>", "store in this server instead: http://user:password@host:8123/database")
    .option("--retention-days <days>", "drop spans after so many days; 0 keeps them", "30")
    .option("--auth-token-file <file>", "ask senders for one of the bearer tokens in this file, one a line")
    .option("--oidc-issuer <url>", "or for a token of this OIDC issuer; may be repeated", collect)
    .option("--oidc-audience <audience>", "its audience; one for each --oidc-issuer, in the same order", collect)
    .option(
      "--oidc-claim <NAME=VALUE>",
      "what a claim of their tokens must be; may be repeated, also with another value for a name",
      collect,
    )
    .option("--oidc-clock-tolerance <seconds>", "how far an issuer's clock may be from ours", "60")
    .option("--job-tokens-of <url>", "or for a job token of this GitLab: such a job sends to its own trace alone")
    .option("--max-requests-per-second <n>", "of one token, as many at once; 0: no limit", "1000")
    .option("--max-bytes-per-second <n>", "of one token, likewise", String(32 * 2 ** 20))
    .option("--tls-cert <file>", "TLS certificate of the OTLP receivers, in PEM form")
    .option("--tls-key <file>", "its key")
    .option("--tls-client-ca <file>", "ask senders for a certificate of this authority, as well as for a token")
    .option("--api-token-file <file>", "ask readers of the query API for one of the bearer tokens in this file")
    .option(
      "--dangerously-allow-unauthenticated",
      "let anybody who reaches us beyond loopback send spans and read them",
    )
    .addHelpText(
      "after",
      examples(
        ["jobscope collector", "on the usual ports of loopback"],
        ["jobscope collector --otlp-grpc none --data ./spans", "HTTP only, its files here"],
        ["jobscope collector --otlp-http 0.0.0.0:4318 --auth-token-file senders", "for runners elsewhere"],
        ["jobscope collector --job-tokens-of https://gitlab.example.com", "for what jobs send with their CI_JOB_TOKEN"],
        ["jobscope collector --clickhouse http://default@db:8123/ci", "into a ClickHouse server"],
      ),
    )
    .action(async (flags: CollectorFlags) => {
      const { runCollector } = await import("../actions/run-collector.ts");
      await runCollector(flags, context, { isDebug: isDebug(program) });
    });
}
