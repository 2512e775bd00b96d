// The tool as the official TypeScript SDK serves it, with zod for what comes
// in and what goes out. The first argument is the base URL.
import http from "node:http";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const upstream = process.argv[2];
const agent = new http.Agent({ keepAlive: true, maxSockets: 1024 });
const sid = (letters) => z.string().regex(new RegExp(`^${letters}[0-9a-fA-F]{32}$`));

function post(path, body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": Buffer.byteLength(body) };
    const request = http.request(upstream + path, { method: "POST", agent, headers, auth: "user:x" }, (response) => {
      let text = "";
      response.on("data", (part) => (text += part));
      response.on("end", () => resolve(JSON.parse(text)));
    });
    request.on("error", reject);
    request.end(body);
  });
}

const server = new McpServer({ name: "sdk", version: "1" });
server.registerTool(
  "send_message_interaction",
  {
    description: "Send one message.",
    inputSchema: { ServiceSid: sid("KS"), SessionSid: sid("KC"), ParticipantSid: sid("KP"), Body: z.string().optional(), MediaUrl: z.array(z.string().url()).optional() },
    outputSchema: { sid: z.string().nullable(), data: z.string().nullable(), type: z.string().nullable(), url: z.string().nullable() },
  },
  async ({ ServiceSid, SessionSid, ParticipantSid, Body }) => {
    const receipt = await post(`/v1/Services/${ServiceSid}/Sessions/${SessionSid}/Participants/${ParticipantSid}/MessageInteractions`, new URLSearchParams({ Body }).toString());
    return { content: [{ type: "text", text: JSON.stringify(receipt) }], structuredContent: receipt };
  },
);
await server.connect(new StdioServerTransport());
