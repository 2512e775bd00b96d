// Usage: node mastra.js CONFIG. An agent of Mastra's that does what a prompt says
// with the tools of MCP servers. CONFIG also names the package of the MCP client.
import { Agent } from "@mastra/core/agent";

const { client, model, servers, prompt } = JSON.parse(process.argv[2]);
const { MCPClient } = await import(client);
for (const server of Object.values(servers)) {
  if (server.url) server.url = new URL(server.url);
}
const mcp = new MCPClient({ servers });
try {
  const agent = new Agent({ id: "agent", name: "agent", instructions: "Do as you are asked.", model, tools: await mcp.listTools() });
  console.log((await agent.generate(prompt, { maxSteps: 10 })).text);
} finally {
  await mcp.disconnect();
}
