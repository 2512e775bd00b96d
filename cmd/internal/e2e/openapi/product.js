// The binary as an MCP host runs it, with the official TypeScript SDK's client.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { sid } from "./document.js";

// The codes that README.md lists, without those for a question and for a fault of the server.
const codes = ["ok", "sent", "invalid_arguments", "refused", "try_later", "outcome_unknown", "conflict", "not_allowed"];

// connect starts the binary. Its API and its HTTP proxy are the front. call returns the outcome, and the structured
// content as data. close ends the binary.
export async function connect(work, front) {
  const env = {
    HOME: work,
    TWILIO_PROXY_BASE_URL: front.url,
    TWILIO_ACCOUNT_SID: sid("AC"),
    TWILIO_AUTH_TOKEN: "no-token",
    TWILIO_PROXY_MCP_LEDGER: `${work}/${new URL(front.url).port}.db`,
    TWILIO_PROXY_MCP_LOG_LEVEL: "error",
    HTTP_PROXY: front.url,
    HTTPS_PROXY: front.url,
  };
  const client = new Client({ name: "openapi", version: "1" });
  const args = ["stdio", "--tools", "send,find,read"];
  await client.connect(new StdioClientTransport({ command: `${work}/twilio-proxy-mcp`, args, env }));
  const { tools } = await client.listTools(); // from now on, the client checks results against the output schemas
  assert.deepEqual(tools.filter((tool) => !tool.outputSchema), [], "tools without an output schema");
  return {
    async call(name, args) {
      const result = await client.callTool({ name, arguments: args });
      const outcome = result._meta["twilio-proxy-mcp/outcome"];
      const text = result.content.map((block) => block.text).join("\n");
      assert.ok(codes.includes(outcome.code), `${name} ${JSON.stringify(args)}: ${JSON.stringify(outcome)} ${text}`);
      assert.equal(Boolean(result.isError), !["ok", "sent"].includes(outcome.code));
      return { outcome, data: result.structuredContent };
    },
    close: () => client.close(),
  };
}
