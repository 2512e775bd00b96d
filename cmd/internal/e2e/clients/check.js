// Usage: node check.js DIRECTORY. The directory holds the binary and gets its state.
// Every client lists the tool, calls it, and checks a validation error and an
// upstream error. Prints "N passed, N failed" and exits with 1 if any failed.
import assert from "node:assert/strict";
import { sids, startAll } from "./binary.js";
import { inspectorClients } from "./inspector.js";
import { sdkClients } from "./sdk.js";

const tool = "send_message_interaction";
const text = (result) => result.content.map((block) => block.text).join("\n");
const outcome = (result) => result._meta["twilio-proxy-mcp/outcome"];

const checks = {
  async list(client) {
    const tools = await client.list();
    assert.deepEqual(tools.map((t) => t.name), [tool]);
    assert.deepEqual(Object.keys(tools[0].inputSchema.properties).sort(), ["Body", "MediaUrl", "ParticipantSid", "ServiceSid", "SessionSid"]);
    assert.equal(tools[0].annotations.idempotentHint, false);
    assert.equal(tools[0].outputSchema.type, "object");
  },
  async call(client, server) {
    const body = `a message by ${client.name}`;
    const before = await server.accepted();
    const result = await client.call(tool, { ...sids, Body: body });
    assert.ok(!result.isError, text(result));
    assert.deepEqual(JSON.parse(result.structuredContent.data), { body });
    assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
    assert.equal(outcome(result).sent, "yes");
    assert.equal(await server.accepted(), before + 1);
  },
  async "validation error"(client, server) {
    const before = await server.accepted();
    const result = await client.call(tool, { ...sids, ServiceSid: "abcde", Body: "never sent" });
    assert.ok(result.isError);
    assert.match(text(result), /ServiceSid: has 5 characters, must have exactly 34/);
    assert.equal(outcome(result).code, "invalid_arguments");
    assert.equal(await server.accepted(), before);
  },
  async "upstream error"(client, server) {
    const before = await server.accepted();
    await server.refuseNext(80607);
    const result = await client.call(tool, { ...sids, Body: `refused to ${client.name}` });
    assert.ok(result.isError);
    assert.match(text(result), /80607/);
    assert.deepEqual([outcome(result).code, outcome(result).sent], ["refused", "no"]);
    assert.equal(await server.accepted(), before);
  },
};

const server = await startAll(process.argv[2]);
let passed = 0;
let failed = 0;
try {
  for (const client of [...sdkClients(server), ...inspectorClients(server)]) {
    for (const [name, check] of Object.entries(checks)) {
      try {
        await check(client, server);
        passed++;
      } catch (error) {
        failed++;
        console.error(`FAIL ${client.name}: ${name}\n`, error);
      }
    }
  }
} finally {
  await server.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
