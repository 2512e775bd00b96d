// The MCP Inspector's command line, over each transport and in both eras of
// the protocol. Each invocation is a new client.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const inspector = fileURLToPath(new URL("node_modules/.bin/mcp-inspector", import.meta.url));

export function inspectorClients(server) {
  // The Inspector starts a server with only these variables.
  const env = Object.entries(server.env).filter(([name]) => /^(TWILIO_|XDG_)/.test(name));
  const stdio = [...env.flatMap(([name, value]) => ["-e", `${name}=${value}`]), server.command];
  const targets = { stdio, "Streamable HTTP": [server.mcp], SSE: [server.sse, "--transport", "sse"], "SSE behind a path prefix": [server.prefixed, "--transport", "sse"] };
  return ["legacy", "modern"].flatMap((era) =>
    Object.entries(targets).map(([transport, target]) => {
      const run = (...flags) => invoke(server, [...target, "--protocol-era", era, "--quiet", ...flags]);
      return {
        name: `Inspector over ${transport}, ${era}`,
        // --strict: a schema that some hosts reject is an error.
        list: async () => (await run("--strict", "--method", "tools/list")).tools,
        call: (name, args) =>
          run("--method", "tools/call", "--tool-name", name, "--tool-args-json", JSON.stringify(args)),
      };
    }),
  );
}

const toolError = 5; // the exit status when the result is an error

function invoke(server, flags) {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [inspector, "--cli", ...flags], { env: server.env, timeout: 60_000 }, (error, stdout, stderr) => {
      try {
        const result = JSON.parse(stdout);
        if (error && !(error.code === toolError && result.isError)) throw error;
        resolve(result);
      } catch (cause) {
        reject(new Error(`mcp-inspector ${flags.join(" ")}: ${stderr || stdout}`, { cause: error ?? cause }));
      }
    });
  });
}
