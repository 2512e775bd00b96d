// An upstream whose answers have every field of the API's resources, changed.
import { once } from "node:events";
import { createServer } from "node:http";
import { sids } from "./binary.js";

const date = "2026-01-31T12:00:00Z";
export const interaction = "KI" + "a".repeat(32);
const common = { account_sid: "AC" + "a".repeat(32), date_created: date, date_updated: date, url: "https://a.example/" };
const above = { service_sid: sids.ServiceSid, session_sid: sids.SessionSid };

// resources by the last word of their path.
const resources = {
  services: { ...common, sid: sids.ServiceSid, unique_name: "Deliveries", default_ttl: 0, geo_match_level: "country" },
  sessions: {
    ...{ ...common, sid: sids.SessionSid, service_sid: sids.ServiceSid, unique_name: "Order #1234", status: "open", ttl: 0 },
    ...{ mode: "message-only", closed_reason: "", date_started: date, date_ended: date, date_expiry: date, date_last_interaction: date },
  },
  participants: {
    ...{ ...common, ...above, sid: sids.ParticipantSid, friendly_name: "Dora (driver)", identifier: "+15550100001", date_deleted: date },
    ...{ proxy_identifier: "+15550109999", proxy_identifier_sid: "PN" + "a".repeat(32) },
  },
  interactions: {
    ...{ ...common, ...above, sid: interaction, data: '{"body":"hello"}', type: "message", participant_sid: sids.ParticipantSid },
    ...{ inbound_participant_sid: "KP" + "b".repeat(32), inbound_resource_sid: "SM" + "a".repeat(32), inbound_resource_url: "https://a.example/" },
    ...{ inbound_resource_status: "received", inbound_resource_type: "Message", outbound_participant_sid: sids.ParticipantSid },
    ...{ outbound_resource_sid: "SM" + "b".repeat(32), outbound_resource_status: "sent", outbound_resource_type: "Message" },
    ...{ outbound_resource_url: "https://a.example/" },
  },
};

// oddities change one field.
export const oddities = {
  "every field null": () => null,
  "every field null but the SID": (name, value) => (name === "sid" ? value : null),
  "unknown enum values": (name, value) => (/^(type|mode|closed_reason|geo_match_level)$|status$|_type$/.test(name) ? "brand-new" : value),
  "fields of other types": (name, value) => (name === "sid" ? value : typeof value === "string" ? 12.5 : { was: [value] }),
};

// startOdd serves one resource of each kind. Every list has it, and every path leads to it.
export async function startOdd(change) {
  const server = createServer((request, answer) => {
    const path = new URL(request.url, "http://a.example").pathname.split("/").slice(2);
    const key = path[path.length - (path.length % 2 === 1 ? 1 : 2)].toLowerCase().replace(/^message/, "");
    const changed = Object.fromEntries(Object.entries(resources[key]).map(([name, value]) => [name, change(name, value)]));
    const list = path.length % 2 === 1 && request.method === "GET";
    request.resume();
    answer.setHeader("Content-Type", "application/json");
    answer.end(JSON.stringify(list ? { [key]: [changed], meta: { key, next_page_url: null } } : changed));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, stop };
}
