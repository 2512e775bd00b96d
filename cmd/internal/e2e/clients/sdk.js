// The official TypeScript SDK's client, over each transport.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

export function sdkClients(server) {
  return [
    { name: "SDK over stdio", ...over(() => new StdioClientTransport({ command: server.command, env: server.env })) },
    { name: "SDK over Streamable HTTP", ...over(() => new StreamableHTTPClientTransport(new URL(server.mcp))) },
    { name: "SDK over SSE", ...over(() => new SSEClientTransport(new URL(server.sse))) },
    { name: "SDK over SSE behind a path prefix", ...over(() => new SSEClientTransport(new URL(server.prefixed))) },
    { name: "SDK over SSE with a slash behind a path prefix", ...over(() => new SSEClientTransport(new URL(`${server.prefixed}/`))) },
  ];
}

// sdkClient is a client over Streamable HTTP.
export const sdkClient = (url) => over(() => new StreamableHTTPClientTransport(new URL(url)));

function over(transport) {
  const session = async (use) => {
    const client = new Client({ name: "foreign", version: "1" });
    await client.connect(transport());
    try {
      return await use(client);
    } finally {
      await client.close();
    }
  };
  return {
    list: () => session(async (client) => (await client.listTools()).tools),
    // After the list, the client checks results against the output schema.
    call: (name, args) =>
      session(async (client) => {
        await client.listTools();
        return client.callTool({ name, arguments: args });
      }),
  };
}
