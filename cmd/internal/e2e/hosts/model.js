// A model that follows a script: it calls the tools, and checks what the host
// shows it of each result.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

export const lastWords = "The script is done.";

const sid = (prefix, letter) => prefix + letter.repeat(32);
const receipt = (result) => result.match(/KI[0-9a-f]{32}/)?.[0];
const fake = /runs on its built-in fake of Twilio Proxy: no real person was texted/;

// script is what the model does: it finds whom to text by names, sends, and asks
// what became of the message. Each step checks the result of the call before, then
// calls a tool. The last one ends the turn.
function script(body) {
  const sids = { ServiceSid: sid("KS", "a"), SessionSid: sid("KC", "a"), ParticipantSid: sid("KP", "a") };
  const send = { tool: "send_message_interaction", args: () => ({ ...sids, Body: body }) };
  const data = JSON.stringify(JSON.stringify({ body })); // the member is a string of JSON
  let first;
  return [
    { tool: "find_participant", args: () => ({ Session: "order 1234", Participant: "alice" }) },
    {
      check(result) {
        assert.match(result, /"match":\s*"one"/);
        for (const value of Object.values(sids)) assert.ok(result.includes(value), `no ${value} in ${result}`);
        assert.match(result, fake);
      },
      ...send,
    },
    {
      check(result) {
        first = receipt(result);
        assert.ok(first, `no receipt in ${result}`);
        assert.ok(result.includes(data), `no ${data} in ${result}`);
        assert.match(result, fake);
        assert.doesNotMatch(result, /sent again/);
      },
      ...send,
    },
    {
      check(result) {
        assert.equal(receipt(result), first, "the receipt of a repeat");
        assert.ok(result.includes(data), `no ${data} in ${result}`);
        assert.match(result, /nothing was sent again/);
        assert.match(result, fake);
      },
      tool: "get_interaction",
      args: () => ({ ServiceSid: sids.ServiceSid, SessionSid: sids.SessionSid, InteractionSid: first, WaitSeconds: 20 }),
    },
    {
      check(result) {
        assert.match(result, /"status":\s*"delivered"/);
        assert.match(result, /"final":\s*true/);
        assert.match(result, fake);
      },
      tool: send.tool,
      args: () => ({ ...send.args(), ParticipantSid: sid("KP", "c") }), // there is no such participant
    },
    {
      check(result) {
        assert.match(result, /Twilio refused the request.*20404.*Nothing was sent\./);
        assert.match(result, fake);
      },
    },
  ];
}

// known are the tools and their arguments: the required ones, then the others.
const known = {
  find_participant: [["Session"], ["Participant", "Service"]],
  get_interaction: [["InteractionSid", "ServiceSid", "SessionSid"], ["WaitSeconds"]],
  list_sessions: [[], ["Limit", "Service", "Status"]],
  send_message_interaction: [["ParticipantSid", "ServiceSid", "SessionSid"], ["Body", "MediaUrl"]],
};
const types = { MediaUrl: "array", WaitSeconds: "integer", Limit: "integer" }; // the others are strings

// offered is a tool among those that a request offers. Hosts put the server's
// name before the tool's, leave bounds out, and add switches of their own: added
// has these, turned on, because a model fills in what it is offered.
function offered(tools, name) {
  const found = tools.filter((tool) => tool.name?.endsWith(name));
  assert.equal(found.length, 1, `how often ${name} is offered`);
  const { properties, required = [] } = found[0].parameters;
  const [needed, optional] = known[name];
  assert.deepEqual([...required].sort(), needed, name);
  for (const one of [...needed, ...optional]) assert.equal(properties[one].type, types[one] ?? "string", `${name}: ${one}`);
  const others = Object.keys(properties).filter((one) => ![...needed, ...optional].includes(one));
  for (const one of others) assert.equal(properties[one].type, "boolean", `${name}: ${one}`);
  return { ...found[0], added: Object.fromEntries(others.map((one) => [one, true])) };
}

// startModel serves the script over one API. Its server is also the proxy that
// the host is told to use for everything outside loopback: it refuses that.
// problems are what went wrong; a host that gets no answer ends by itself.
export async function startModel(api, body) {
  const steps = script(body);
  const problems = [];
  let reached = 0;
  const answer = async (request) => {
    assert.ok(request.url.endsWith(api.path), `an unexpected request: ${request.method} ${request.url}`);
    const asked = JSON.parse(Buffer.concat(await request.toArray()));
    assert.ok(reached < steps.length, "a request after the last words");
    const { check, tool, args } = steps[reached++];
    const all = Object.fromEntries(Object.keys(known).map((name) => [name, offered(api.tools(asked), name)]));
    check?.(api.result(asked));
    return tool ? api.call(all[tool], { ...args(), ...all[tool].added }, `call-${reached}`) : api.say(lastWords);
  };
  const server = createServer(async (request, reply) => {
    try {
      const text = await answer(request);
      reply.writeHead(200, { "Content-Type": text.startsWith("{") ? "application/json" : "text/event-stream" }).end(text);
    } catch (error) {
      problems.push(`step ${reached}: ${error.message}`);
      reply.writeHead(400).end("{}");
    }
  });
  server.on("connect", (request, socket) => {
    problems.push(`the host wanted to connect to ${request.url}`);
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    problems: () => [...problems, ...(reached < steps.length ? [`the host ended after step ${reached} of ${steps.length}`] : [])],
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
