// Usage: node check.js DIRECTORY. The directory holds the binary and gets its state.
// Every client lists the tools, sends a message, checks a validation error and an
// upstream error, and goes from names to a delivered message. The SDK's client
// calls every tool while the upstream gives odd answers. Prints "N passed, N failed" and exits with 1 if any failed.
import assert from "node:assert/strict";
import { sids, startAll, startHTTP } from "./binary.js";
import { inspectorClients } from "./inspector.js";
import { interaction, oddities, startOdd } from "./odd.js";
import { sdkClient, sdkClients } from "./sdk.js";

const tools = ["find_participant", "get_interaction", "list_sessions", "send_message_interaction"];
const tool = "send_message_interaction";
const text = (result) => result.content.map((block) => block.text).join("\n");
const outcome = (result) => result._meta["twilio-proxy-mcp/outcome"];

const checks = {
  async list(client) {
    const listed = await client.list();
    assert.deepEqual(listed.map((t) => t.name).sort(), tools);
    const send = listed.find((t) => t.name === tool);
    assert.deepEqual(Object.keys(send.inputSchema.properties).sort(), ["Body", "MediaUrl", "ParticipantSid", "ServiceSid", "SessionSid"]);
    for (const { name, annotations, outputSchema } of listed) {
      assert.deepEqual([name, annotations.idempotentHint, annotations.readOnlyHint], [name, name !== tool, name !== tool]);
      assert.equal(outputSchema.type, "object");
    }
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
  async "from names to a delivered message"(client) {
    const found = await client.call("find_participant", { Session: "order 1234", Participant: "ALICE" });
    assert.equal(found.structuredContent?.match, "one", text(found));
    const { ServiceSid, SessionSid, ParticipantSid } = found.structuredContent.candidates[0];
    assert.deepEqual({ ServiceSid, SessionSid, ParticipantSid }, sids);
    const sent = await client.call(tool, { ...sids, Body: `gate B, says ${client.name}` });
    const became = await client.call("get_interaction", { ServiceSid, SessionSid, InteractionSid: sent.structuredContent.sid, WaitSeconds: 30 });
    assert.deepEqual([became.structuredContent?.status, became.structuredContent?.final], ["delivered", true], text(became));
  },
};

// calls are arguments for each tool.
const { ServiceSid, SessionSid } = sids;
const calls = [
  [tool, { ...sids, Body: "hello" }],
  ["find_participant", { Session: "order 1234", Participant: "driver" }],
  ["find_participant", { Service: ServiceSid, Session: SessionSid }],
  ["get_interaction", { ServiceSid, SessionSid, InteractionSid: interaction }],
  ["list_sessions", {}],
  ["list_sessions", { Service: ServiceSid, Status: "open" }],
  ["read_conversation", { ServiceSid, SessionSid }],
];

// withOddAnswers has the SDK check the structured content of every tool against its output schema. It throws if there is none.
async function withOddAnswers(work, change, checkOne) {
  const upstream = await startOdd(change);
  const server = await startHTTP(work, upstream.url);
  try {
    const client = sdkClient(server.url);
    const listed = (await client.list()).map((t) => t.name).sort();
    assert.deepEqual(listed, [...new Set(calls.map(([name]) => name))].sort());
    for (const [name, args] of calls) await checkOne(name, () => client.call(name, args));
  } finally {
    await server.stop();
    upstream.stop();
  }
}

const work = process.argv[2];
const server = await startAll(work);
let passed = 0;
let failed = 0;
async function attempt(title, check) {
  try {
    await check();
    passed++;
  } catch (error) {
    failed++;
    console.error(`FAIL ${title}\n`, error);
  }
}
try {
  for (const client of [...sdkClients(server), ...inspectorClients(server)]) {
    for (const [name, check] of Object.entries(checks)) {
      await attempt(`${client.name}: ${name}`, () => check(client, server));
    }
  }
  for (const [oddity, change] of Object.entries(oddities)) {
    await withOddAnswers(work, change, (name, call) =>
      attempt(`${name} with ${oddity}`, async () => {
        const result = await call();
        assert.notEqual(outcome(result).code, "internal", text(result));
        if (name === tool || (name === "list_sessions" && oddity !== "every field null")) assert.ok(!result.isError, text(result));
      }),
    );
  }
} finally {
  await server.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
