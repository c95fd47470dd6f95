import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { aRepository } from "./a-repository.ts";
import { jobscope, makeSurroundings, startJobscope } from "./jobscope-process.ts";
import { fileExists, processIsGone } from "./process-is-gone.ts";

const pipeline = `
passes: { script: [echo fine] }
ask:
  script: ["echo to \${{ job.inputs.target }}"]
  when: manual
  manual_confirmation: Really?
  inputs: { target: { default: here, options: [here, there] } }
fails: { script: [echo the reason, exit 4], tags: [any] }
`;

test("beside `up`, exec hands its pipeline over, shows it and ends as it does", async (t) => {
  const surroundings = makeSurroundings(t);
  const cwd = aRepository(surroundings, { ".gitlab-ci.yml": pipeline });
  const listen = ["--listen", "--otlp-http", "--otlp-grpc", "--api"].flatMap((flag) => [flag, "127.0.0.1:0"]);
  const up = startJobscope(t, ["up", "--watch", ...listen], { ...surroundings, cwd });
  await up.said(/jobscope register --non-interactive --executor shell --url http\S+ --token glrt-\w+/);
  await up.said(/git push to +http:\/\/git:glpat-\w+@\S+\/local\/repository\.git/);
  const list = await jobscope(t, ["exec", "--list"], { ...surroundings, cwd });
  assert.match(list.stdout, /passes\n/, list.stderr);
  const run = await jobscope(t, ["exec"], { ...surroundings, cwd });
  assert.equal(run.exitCode, 1, run.stderr);
  assert.match(run.stdout, /on the runners of http:/);
  assert.match(run.stdout, /✓ step_script/, "the end view is from the store");
  assert.match(run.stdout, /✗ fails ended with:[\s\S]*the reason/);
  const play = (...args: string[]) => jobscope(t, ["play", ...args], { ...surroundings, cwd });
  assert.match((await play()).stdout, /^\d+ +ask +\d+ +target$/m);
  const asked = await play("ask");
  assert.deepEqual([asked.exitCode, /ask asks: Really\?[\s\S]*--yes/.test(asked.stderr)], [2, true], asked.stderr);
  assert.match((await play("ask", "--yes", "--input", "target=nowhere")).stderr, /not one of here, there/);
  assert.match((await play("ask", "--yes", "--input", "target=there")).stdout, /started ask \(job \d+\) of pipeline/);
  const refused = await jobscope(t, ["exec", "--no-store", "--out", "x.json"], { ...surroundings, cwd });
  assert.equal(refused.exitCode, 2);
  assert.match(refused.stderr, /in use by another jobscope.*--out and --no-store cannot be had/);
  assert.ok(!existsSync(join(cwd, "x.json")));
  up.child.kill("SIGINT");
  assert.equal((await up.ended).exitCode, 0);
});

test("an exec stays until the pipeline of another one that it runs has ended", async (t) => {
  const surroundings = makeSurroundings(t);
  const mark = join(surroundings.directory, "mark");
  const go = join(surroundings.directory, "go");
  const cwd = aRepository(surroundings, {
    ".gitlab-ci.yml": `
first: { script: ["echo 1 > ${mark}-first", "until test -e ${go}-first; do sleep 0.1; done"] }
second: { script: ["echo 1 > ${mark}-second", "until test -e ${go}-second; do sleep 0.1; done"] }
`,
  });
  const place = { ...surroundings, cwd };
  const first = startJobscope(t, ["exec", "first", "--jobs", "2"], place);
  await fileExists(`${mark}-first`);
  const second = startJobscope(t, ["exec", "second"], place);
  await fileExists(`${mark}-second`);
  writeFileSync(`${go}-first`, "");
  await first.said(/Another jobscope exec runs pipeline \d+ here/);
  writeFileSync(`${go}-second`, "");
  assert.deepEqual([(await second.ended).exitCode, (await first.ended).exitCode], [0, 0]);
});

test("with --runner external, a runner in another process runs the pipeline", async (t) => {
  const surroundings = makeSurroundings(t);
  const cwd = aRepository(surroundings, { ".gitlab-ci.yml": pipeline });
  const exec = startJobscope(t, ["exec", "passes", "fails", "--runner", "external"], { ...surroundings, cwd });
  const command = await exec.said(/jobscope (register .*--token glrt-\w+)/);
  const config = join(surroundings.directory, "config.toml");
  const register = [...command.split(" ").slice(1), "--config", config, "--name", "another"];
  const registered = await jobscope(t, register, { ...surroundings, cwd: surroundings.directory });
  assert.equal(registered.exitCode, 0, registered.stderr);
  assert.match(readFileSync(config, "utf8"), /name = "another"/);
  const runner = startJobscope(t, ["run", "--config", config], { ...surroundings, cwd: surroundings.directory });
  const { exitCode, stdout } = await exec.ended;
  assert.equal(exitCode, 1);
  assert.match(stdout, /on runners from outside/);
  assert.match(stdout, /✓ passes: passed/);
  assert.match(stdout, /✗ step_script/);
  runner.child.kill("SIGQUIT");
  await runner.ended;
  await processIsGone(Number(runner.child.pid));
});
