// Calls all 25 operations through Twilio's library, against the fake at FAKE_URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import twilio from "twilio";

const base = process.env.FAKE_URL;
assert.ok(base, "FAKE_URL must be the fake's address");
const account = "AC" + "a".repeat(32);

// The library has no setting for the address, so its HTTP client gets one.
class ToFake extends twilio.RequestClient {
  request(options) {
    return super.request({ ...options, uri: options.uri.replace("https://proxy.twilio.com", base) });
  }
}

const connect = (token) => twilio(account, token, { httpClient: new ToFake() }).proxy.v1;

test("all operations", async () => {
  const api = connect("token");
  let service = await api.services.create({ uniqueName: "shop", defaultTtl: 60 });
  assert.match(service.sid, /^KSfa4e[0-9a-f]{28}$/);
  service = await api.services(service.sid).update({ callbackUrl: "http://127.0.0.1:1/" });
  assert.equal((await api.services("shop").fetch()).callbackUrl, "http://127.0.0.1:1/");
  assert.equal((await api.services.list()).length, 2);
  const shop = api.services(service.sid);

  const number = await shop.phoneNumbers.create({ phoneNumber: "+15550109997" });
  await shop.phoneNumbers(number.sid).update({ isReserved: true });
  assert.equal((await shop.phoneNumbers(number.sid).fetch()).isReserved, true);
  assert.equal((await shop.phoneNumbers.list()).length, 1);

  const made = await shop.sessions.create({
    uniqueName: "Order #1",
    dateExpiry: new Date(Date.now() + 3600_000),
    participants: [{ Identifier: "+15550100001", ProxyIdentifier: "+15550109997" }],
  });
  assert.equal((await shop.sessions(made.sid).fetch()).status, "open");
  assert.equal((await shop.sessions.list()).length, 1);
  const session = shop.sessions(made.sid);

  const person = await session.participants.create({ identifier: "+15550100002", proxyIdentifierSid: number.sid });
  assert.equal((await session.participants(person.sid).fetch()).proxyIdentifier, "+15550109997");
  assert.equal((await session.participants.list()).length, 2);

  const messages = session.participants(person.sid).messageInteractions;
  for (let i = 0; i < 5; i++) {
    const message = await messages.create({ body: `message ${i}` });
    assert.equal(message.data, `{"body":"message ${i}"}`);
    assert.equal(message.inboundResourceStatus, null);
    assert.ok(message.dateCreated instanceof Date && !Number.isNaN(message.dateCreated.valueOf()));
    assert.equal((await session.participants(person.sid).messageInteractions(message.sid).fetch()).data, message.data);
  }
  assert.equal((await messages.list({ pageSize: 2 })).length, 5);
  assert.equal((await session.interactions.list({ pageSize: 2, limit: 3 })).length, 3);
  const first = await session.interactions.page({ pageSize: 2 });
  const second = await first.nextPage();
  assert.deepEqual((await second.previousPage()).instances.map((i) => i.sid), first.instances.map((i) => i.sid));
  const newest = first.instances[0];
  assert.equal((await session.interactions(newest.sid).fetch()).data, '{"body":"message 4"}');

  assert.equal(await session.interactions(newest.sid).remove(), true);
  assert.equal(await session.participants(person.sid).remove(), true);
  assert.equal((await session.update({ status: "closed" })).status, "closed");
  assert.equal(await session.remove(), true);
  assert.equal(await shop.phoneNumbers(number.sid).remove(), true);
  assert.equal(await shop.remove(), true);
});

test("errors", async () => {
  const isRestException = (status, code) => (error) => {
    assert.ok(error instanceof twilio.RestException, error);
    assert.deepEqual([error.status, error.code], [status, code]);
    assert.match(error.moreInfo, /^https:/);
    return true;
  };
  const api = connect("token");
  const session = api.services("KS" + "a".repeat(32)).sessions("KC" + "a".repeat(32));
  await assert.rejects(api.services("KS71").fetch(), isRestException(404, 20404));
  await assert.rejects(session.participants("KP" + "a".repeat(32)).messageInteractions.create({}), isRestException(400, 80701));
  await assert.rejects(session.update({ status: "failed" }), isRestException(400, 80608));
  await assert.rejects(connect("wrong").services.list(), isRestException(401, 20003));
});
