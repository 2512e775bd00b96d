// Usage: node check.js DIRECTORY. The directory holds bin/twilio-proxy-mcp and
// gets a home for each run. Every host goes through the model's script with each
// entry of mcp.json.example. Only the address of the url entry is another one,
// because its port may be in use. Prints "N passed, N failed" and exits with 1
// if any failed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { hosts } from "./hosts.js";
import { lastWords, startModel } from "./model.js";

const work = process.argv[2];
const path = `${work}/bin:${process.env.PATH}`;
const patience = 60_000; // milliseconds for one run; it takes 2 to 6 seconds

// serve starts the server that the url entry is for.
async function serve() {
  const child = spawn("twilio-proxy-mcp", ["http", "--backend", "fake", "--addr", "127.0.0.1:0"], {
    env: { HOME: work, PATH: path, TWILIO_PROXY_MCP_LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const first = once(createInterface({ input: child.stdout }), "line");
  const [url] = await Promise.race([first, ended.then((how) => assert.fail(`the server ended with ${how}`))]);
  const stop = async () => {
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null], "how the server ended");
  };
  return { url, stop };
}

// run starts a host, waits for its end, and checks how it ended.
async function run(host, home, model, servers) {
  const { args, env } = host.start(home, model.url, servers, "Send the message.");
  const proxy = { HTTP_PROXY: model.url, HTTPS_PROXY: model.url, NO_PROXY: "127.0.0.1", NODE_USE_ENV_PROXY: "1" };
  const child = spawn(process.execPath, args, {
    cwd: home,
    env: { HOME: home, TMPDIR: home, PATH: path, ...proxy, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: patience,
  });
  const closed = once(child, "close");
  const text = async (stream) => (await stream.setEncoding("utf8").toArray()).join("");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code, signal] = await closed;
  const problems = model.problems();
  if (code !== 0) problems.push(`the host ended with ${code ?? signal}`);
  if (!stdout.includes(lastWords)) problems.push("the host does not show the model's last words");
  assert.ok(problems.length === 0, [...problems, stdout, stderr].join("\n"));
}

const { mcpServers } = JSON.parse(readFileSync(new URL("../../../../mcp.json.example", import.meta.url)));
const server = await serve();
let passed = 0;
let failed = 0;
try {
  for (const [name, host] of Object.entries(hosts)) {
    for (const [entry, settings] of Object.entries(mcpServers)) {
      const title = `${name} with ${entry}`;
      const home = `${work}/${passed + failed}`;
      mkdirSync(home);
      const model = await startModel(host.api, `hello from ${title}`);
      try {
        await run(host, home, model, { [entry]: settings.url ? { ...settings, url: server.url } : settings });
        passed++;
        console.log(`ok ${title}`);
      } catch (error) {
        failed++;
        console.error(`FAIL ${title}: ${error.message}`);
      } finally {
        model.stop();
      }
    }
  }
} finally {
  await server.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
