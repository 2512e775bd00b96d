// A model that follows a script: it asks for the tool, and checks what the host
// shows it of each result.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";

export const lastWords = "The script is done.";

const sid = (prefix, letter) => prefix + letter.repeat(32);
const receipt = (result) => result.match(/KI[0-9a-f]{32}/)?.[0];
const fake = /runs on its built-in fake of Twilio Proxy: no real person was texted/;

// script is what the model does. Each step checks the result of the call before,
// then calls the tool. The last one ends the turn.
function script(body) {
  const send = { ServiceSid: sid("KS", "a"), SessionSid: sid("KC", "a"), ParticipantSid: sid("KP", "a"), Body: body };
  const data = JSON.stringify(JSON.stringify({ body })); // the member is a string of JSON
  let first;
  return [
    { call: send },
    {
      check(result) {
        first = receipt(result);
        assert.ok(first, `no receipt in ${result}`);
        assert.ok(result.includes(data), `no ${data} in ${result}`);
        assert.match(result, fake);
        assert.doesNotMatch(result, /sent again/);
      },
      call: send,
    },
    {
      check(result) {
        assert.equal(receipt(result), first, "the receipt of a repeat");
        assert.ok(result.includes(data), `no ${data} in ${result}`);
        assert.match(result, /nothing was sent again/);
        assert.match(result, fake);
      },
      call: { ...send, ParticipantSid: sid("KP", "c") }, // there is no such participant
    },
    {
      check(result) {
        assert.match(result, /Twilio refused the request.*20404.*Nothing was sent\./);
        assert.match(result, fake);
      },
    },
  ];
}

// offered is the tool among those that a request offers. Hosts put the server's
// name before the tool's, leave bounds out, and add switches of their own: added
// has these, turned on, because a model fills in what it is offered.
function offered(tools) {
  const found = tools.filter((tool) => tool.name?.endsWith("send_message_interaction"));
  assert.equal(found.length, 1, "how often the tool is offered");
  const { properties, required } = found[0].parameters;
  assert.deepEqual([...required].sort(), ["ParticipantSid", "ServiceSid", "SessionSid"]);
  for (const name of [...required, "Body"]) assert.equal(properties[name].type, "string");
  assert.equal(properties.MediaUrl.type, "array");
  const others = Object.keys(properties).filter((name) => ![...required, "Body", "MediaUrl"].includes(name));
  for (const name of others) assert.equal(properties[name].type, "boolean");
  return { ...found[0], added: Object.fromEntries(others.map((name) => [name, true])) };
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
    const { check, call } = steps[reached++];
    const tool = offered(api.tools(asked));
    check?.(api.result(asked));
    return call ? api.call(tool, { ...call, ...tool.added }, `call-${reached}`) : api.say(lastWords);
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
