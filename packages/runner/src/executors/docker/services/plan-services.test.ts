import assert from "node:assert/strict";
import { test } from "node:test";
import { aRunner } from "../../../../test/support/a-runner.ts";
import { planServices } from "./plan-services.ts";

function plan(services: readonly { name: string; aliases?: readonly string[] }[], configured: readonly object[] = []) {
  const { docker } = aRunner("http://127.0.0.1:1", { executor: "docker", docker: { services: configured } });
  assert.ok(docker !== undefined);
  const image = {
    entrypoint: [],
    pullPolicies: [],
    platform: undefined,
    user: undefined,
    command: [],
    environment: {},
  };
  return planServices({
    docker,
    services: services.map(({ name, aliases = [] }) => ({ ...image, name, aliases })),
    expand: (text) => text.replace("$TAG", "16"),
  });
}

/** Source: runner-protocol.md §4.10. */
test("a service has the names of its image, and those that it is given", () => {
  const { services, warnings } = plan([{ name: "registry.example.com:5000/group/db:2", aliases: ["store", "sql"] }]);
  assert.deepEqual(services[0]?.aliases, [
    "registry.example.com__group__db",
    "registry.example.com-group-db",
    "store",
    "sql",
  ]);
  assert.equal(services[0]?.title, "registry.example.com:5000/group/db:2");
  assert.equal(services[0]?.version, "2");
  assert.deepEqual(warnings, []);
});

test("the configuration's services come first, and their names go before the job's", () => {
  const { services, warnings } = plan(
    [{ name: "redis", aliases: ["store"] }],
    [{ name: "postgres:$TAG", alias: "store db" }],
  );
  assert.deepEqual(
    services.map(({ title, aliases }) => ({ title, aliases })),
    [
      { title: "postgres:16", aliases: ["postgres", "store", "db"] },
      { title: "redis:latest", aliases: ["redis"] },
    ],
  );
  assert.deepEqual(warnings, [
    'Skipping alias "store" for service "redis" (services[1]): alias is already in use by another service.',
  ]);
});

test("a service all of whose names are taken is not started", () => {
  const { services } = plan([{ name: "redis:7" }, { name: "redis:6" }]);
  assert.deepEqual(
    services.map(({ title }) => title),
    ["redis:7"],
  );
});
