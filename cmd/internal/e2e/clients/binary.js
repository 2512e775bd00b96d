// The binary under test and the fake it sends to, each in its own process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request } from "node:http";
import { createInterface } from "node:readline";

export const sids = {
  ServiceSid: "KS" + "a".repeat(32),
  SessionSid: "KC" + "a".repeat(32),
  ParticipantSid: "KP" + "a".repeat(32),
};

// environment is this process's environment without TWILIO_ variables, and with a
// temporary home and state directory.
function environment(work) {
  const clean = Object.entries(process.env).filter(([name]) => !name.startsWith("TWILIO_"));
  return { ...Object.fromEntries(clean), HOME: work, XDG_STATE_HOME: `${work}/state` };
}

// start runs a subcommand that serves until stop is called. It returns stop and the
// URL that the subcommand prints first.
async function start(command, env, ...flags) {
  const child = spawn(command, flags, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("exit", (code) => reject(new Error(`${flags[0]} ended with status ${code}`)));
  });
  const stop = async () => {
    child.kill("SIGTERM");
    const [code, signal] = await ended;
    if (code !== 0) throw new Error(`${flags[0]} ended with ${code ?? signal}`);
  };
  return { url, stop };
}

// behindPrefix is a reverse proxy that takes /a/prefix off each path. It returns stop and the proxy's URL.
async function behindPrefix(target) {
  const proxy = createServer((incoming, outgoing) => {
    const path = incoming.url.replace(/^\/a\/prefix/, "");
    const forwarded = request(new URL(path, target), { method: incoming.method, headers: incoming.headers }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      outgoing.flushHeaders();
      answer.pipe(outgoing);
      answer.on("error", () => outgoing.destroy());
    });
    forwarded.on("error", () => outgoing.destroy());
    outgoing.on("close", () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  const stop = () => {
    proxy.closeAllConnections();
    proxy.close();
  };
  return { url: `http://127.0.0.1:${proxy.address().port}/a/prefix`, stop };
}

// pointedAt has a server use an upstream as if it were Twilio's.
function pointedAt(url) {
  return {
    TWILIO_PROXY_BASE_URL: url,
    TWILIO_ACCOUNT_SID: "AC" + "a".repeat(32),
    TWILIO_AUTH_TOKEN: "fake",
    TWILIO_PROXY_MCP_LOG_LEVEL: "error",
  };
}

// startHTTP starts a server over HTTP with every tool, for an upstream.
export function startHTTP(work, upstream) {
  const env = { ...environment(work), ...pointedAt(upstream), TWILIO_PROXY_MCP_TOOLS: "send,find,read", TWILIO_PROXY_MCP_LEDGER: "off" };
  return start(`${work}/twilio-proxy-mcp`, env, "http", "--addr", "127.0.0.1:0");
}

// startAll starts the fake, and a server over HTTP that uses it.
export async function startAll(work) {
  const command = `${work}/twilio-proxy-mcp`;
  const bare = environment(work);
  const fake = await start(command, bare, "fake", "--addr", "127.0.0.1:0", "--sent-for", "200ms");
  const env = { ...bare, ...pointedAt(fake.url) };
  const http = await start(command, env, "http", "--addr", "127.0.0.1:0").catch(async (error) => {
    await fake.stop();
    throw error;
  });
  const proxy = await behindPrefix(http.url);
  return {
    command,
    env,
    prefixed: `${proxy.url}/sse`,
    mcp: http.url,
    sse: http.url.replace(/mcp$/, "sse"),
    // accepted is how many messages the fake has accepted.
    accepted: async () => (await (await fetch(`${fake.url}/_fake/accepted`)).json()).accepted,
    // refuseNext makes the fake refuse the next message with this Twilio error code.
    refuseNext: async (code) => {
      const body = JSON.stringify({ operation: "CreateMessageInteraction", effect: "status", status: 400, code });
      const armed = await fetch(`${fake.url}/_fake/faults`, { method: "POST", body });
      if (!armed.ok) throw new Error(await armed.text());
    },
    stop: async () => {
      proxy.stop();
      await http.stop();
      await fake.stop();
    },
  };
}
