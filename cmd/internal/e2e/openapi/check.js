// Usage: node check.js DIRECTORY DOCUMENT. The directory holds the binary and gets its state. The document is Twilio's
// OpenAPI document. In every test, the requests must be those that the document allows (Front.take), and the results
// must fit their output schemas (Product.call).
import assert from "node:assert/strict";
import { suite } from "node:test";
import { against } from "./against.js";
import { filled, participant, session, sid } from "./document.js";
import { randomAnswers } from "./random.js";

const [work, document] = process.argv.slice(2);
const { ServiceSid } = session;
const service = `/v1/Services/${ServiceSid}`;

suite("Twilio's examples, whose lists are empty", () => {
  const { check } = against(work, () => document);

  check("the mock refuses what the document does not allow", async ({ front }) => {
    const headers = { Authorization: `Basic ${btoa("name:password")}` };
    for (const path of [`${service}/Sessions?PageSize=1001`, "/v1/Services/1234/Sessions"]) {
      await fetch(front.url + path, { headers });
      assert.match(front.problems.pop(), /Prism answers 422/);
    }
    await fetch(`${front.url}/v1/Services`);
    assert.match(front.problems.pop(), /Prism answers 401/);
  });
  check("the example's message is sent", async ({ call }) => {
    const { outcome, data } = await call("send_message_interaction", { ...participant, Body: "some message" });
    assert.deepEqual([outcome.code, outcome.sent, outcome.misfits], ["sent", "yes", undefined]);
    assert.equal(data.sid, sid("KI"));
  });
  check("another message is sent, but the example is no receipt of it", async ({ call, requests }) => {
    const other = { ...participant, ParticipantSid: sid("KP", "b"), Body: "another message" };
    const first = await call("send_message_interaction", other);
    assert.equal(first.outcome.sent, "yes");
    assert.ok(first.outcome.misfits.participant_sid, "what does not fit");
    assert.deepEqual([first.data.sid, first.data.participant_sid], [null, other.ParticipantSid]);
    const repeat = await call("send_message_interaction", other);
    assert.deepEqual([repeat.outcome.sent, repeat.outcome.replayed], ["yes", true]);
    assert.equal(requests().length, 1);
  });
  check("a session's exact name and a service's take one request each", async ({ call, requests }) => {
    const { data } = await call("find_participant", { Service: "My Service", Session: "Order #1234" });
    assert.deepEqual([data.match, data.candidates, data.searched.complete], ["none", [], true]);
    assert.deepEqual(requests().map(withoutQuery), [
      "GET /v1/Services/My%20Service",
      `GET ${service}/Sessions/Order%20%231234`,
      `GET ${service}/Sessions/${session.SessionSid}/Participants`,
    ]);
  });
  check("an answer that is not for the name is no match", async ({ call, requests }) => {
    const { data } = await call("find_participant", { Service: ServiceSid, Session: "order 1234" });
    assert.deepEqual([data.match, data.candidates, data.searched.complete], ["none", [], true]);
    assert.deepEqual(requests().map(withoutQuery), [`GET ${service}/Sessions/order%201234`, `GET ${service}/Sessions`]);
  });
  check("an answer that is not for the SID is no match", async ({ call }) => {
    for (const other of [{ Session: sid("KC", "b") }, { Session: session.SessionSid, Participant: sid("KP", "b") }]) {
      const { data } = await call("find_participant", { Service: ServiceSid, ...other });
      assert.deepEqual([data?.match, data?.candidates], ["none", []]);
    }
  });
  check("an answer that is not for the service's name is no service", async ({ call }) => {
    for (const Service of [{ Service: "another service" }, {}]) {
      const { outcome } = await call("find_participant", { ...Service, Session: "Order #1234" });
      assert.equal(outcome.code, "invalid_arguments");
    }
  });
  check("a participant is found by the SIDs, and is the example's", async ({ call }) => {
    const { SessionSid: Session, ParticipantSid: Participant } = participant;
    const { data } = await call("find_participant", { Service: ServiceSid, Session, Participant });
    assert.deepEqual([data.match, data.candidates.length], ["one", 1]);
    const [{ ServiceSid: s, SessionSid: c, ParticipantSid: p, unique_name, status, identifier, sendable, why_not }] = data.candidates;
    assert.deepEqual({ ServiceSid: s, SessionSid: c, ParticipantSid: p }, participant);
    assert.deepEqual([unique_name, status, identifier, sendable], ["Order #1234", "open", "…1212", false]);
    assert.match(why_not, /expired|deleted/);
  });
  check("an interaction is followed", async ({ call }) => {
    const { data } = await call("get_interaction", { ...session, InteractionSid: sid("KI") });
    assert.deepEqual([data.status, data.final], ["sent", false]);
  });
  check("an answer that is about another interaction is an error", async ({ call }) => {
    const { outcome } = await call("get_interaction", { ...session, InteractionSid: sid("KI", "b") });
    assert.equal(outcome.code, "try_later");
  });
  check("a wait for a status that does not come ends", async ({ call, requests }) => {
    const { data } = await call("get_interaction", { ...session, InteractionSid: sid("KI"), WaitSeconds: 1 });
    assert.deepEqual([data.status, data.final], ["sent", false]);
    assert.ok(requests().length > 1, "it was asked once");
  });
  check("empty lists are complete", async ({ call }) => {
    const { data: sessions } = await call("list_sessions", { Service: "My Service" });
    assert.deepEqual([sessions.sessions, sessions.complete], [[], true]);
    const { data: conversation } = await call("read_conversation", session);
    assert.deepEqual([conversation.messages, conversation.complete], [[], true]);
  });
  randomAnswers(check);
});

suite("lists with one record a page", () => {
  const { check } = against(work, (url) => filled(`${work}/filled.json`, document, url));
  const isList = (path) => /(Services|Sessions|Participants|Interactions)\?/.test(path);
  const elsewhere = (method, path) => isList(path) && "example=elsewhere";
  const twoPages = (method, path) => isList(path) && (path.includes("&PageToken=next") ? "example=readEmpty" : "example=twoPages");

  check("a next page at another host ends the search", async ({ call, front, requests }) => {
    front.prefer = elsewhere;
    const found = await call("find_participant", { Service: ServiceSid, Session: "order 1234" });
    assert.deepEqual([found.data.match, found.data.candidates.length, found.data.searched.complete], ["several", 1, false]);
    const none = await call("find_participant", { Service: ServiceSid, Session: "order 99" });
    assert.deepEqual([none.data.match, none.data.candidates, none.data.searched.complete], ["none", [], false]);
    const sessions = requests().filter((one) => withoutQuery(one) === `GET ${service}/Sessions`);
    assert.equal(sessions.length, 2);
  });
  check("a next page at another host ends the lists", async ({ call, front, requests }) => {
    front.prefer = elsewhere;
    const { data: sessions } = await call("list_sessions", { Service: ServiceSid });
    assert.deepEqual([sessions.sessions.length, sessions.complete], [1, false]);
    const { data: conversation } = await call("read_conversation", session);
    assert.deepEqual([conversation.messages.map((m) => m.quoted_text), conversation.complete], [["some message"], false]);
    assert.equal(requests().length, 2);
  });
  check("a next page at this host is read, and then the search is complete", async ({ call, front, requests }) => {
    front.prefer = twoPages;
    const { data } = await call("find_participant", { Session: "the order 1234", Participant: "friendly" });
    assert.deepEqual([data.match, data.candidates.length, data.searched.complete], ["one", 1, true]);
    const [{ ServiceSid, SessionSid, ParticipantSid, sendable }] = data.candidates;
    assert.deepEqual({ ServiceSid, SessionSid, ParticipantSid }, participant);
    assert.equal(sendable, true);
    assert.deepEqual(requests().map(withoutQuery), [
      ...["GET /v1/Services", "GET /v1/Services"],
      `GET ${service}/Sessions/the%20order%201234`,
      ...[`GET ${service}/Sessions`, `GET ${service}/Sessions`],
      ...[`GET ${service}/Sessions/${SessionSid}/Participants`, `GET ${service}/Sessions/${SessionSid}/Participants`],
    ]);
  });
  check("a next page at this host is read, and then the lists are complete", async ({ call, front }) => {
    front.prefer = twoPages;
    const { data: sessions } = await call("list_sessions", { Service: ServiceSid });
    assert.deepEqual([sessions.sessions.length, sessions.complete], [1, true]);
    const { data: conversation } = await call("read_conversation", { ...session, ParticipantSid: participant.ParticipantSid });
    assert.deepEqual([conversation.messages.length, conversation.complete], [1, true]);
  });
  randomAnswers(check);
});

function withoutQuery(request) {
  return request.split("?")[0];
}
