// Twilio's OpenAPI document, and two things made of it.
import { readFileSync, writeFileSync } from "node:fs";

const answerOf = (operation) => operation.responses["200"].content["application/json"];

export const sid = (prefix, letter = "a") => prefix + letter.repeat(32);

// The SIDs in the document's examples, as arguments.
export const session = { ServiceSid: sid("KS"), SessionSid: sid("KC") };
export const participant = { ...session, ParticipantSid: sid("KP") };

// filled writes a document, and returns its path. It differs from Twilio's in its answers alone, and within their schemas.
//   The list of each resource has two more examples. Both have one record, the resource's own example, and a next page.
//   In elsewhere, that page is at Twilio's address. In twoPages, it is at base, and the record is not deleted or expired.
//   The SIDs in random answers are those of the examples, so that random answers are about what was asked for.
export function filled(path, document, base) {
  const api = JSON.parse(readFileSync(document));
  for (const [list, { get }] of Object.entries(api.paths)) {
    const one = api.paths[`${list}/{Sid}`]?.get;
    if (!one) continue;
    const { examples } = answerOf(get);
    const { meta } = Object.values(examples)[0].value;
    const [{ value: record }] = Object.values(answerOf(one).examples);
    const page = (next_page_url, member) => ({ value: { [meta.key]: [member], meta: { ...meta, next_page_url } } });
    const next = meta.url.replace("Page=0", "Page=1&PageToken=next");
    const alive = { date_deleted: null, date_expiry: null, ttl: 0 };
    const live = Object.fromEntries(Object.entries(record).map(([name, value]) => [name, name in alive ? alive[name] : value]));
    examples.elsewhere = page(next, record);
    examples.twoPages = page(next.replace("https://proxy.twilio.com", base), live);
  }
  const schemas = JSON.stringify(api.components.schemas).replaceAll("[0-9a-fA-F]{32}", "a{32}");
  api.components.schemas = JSON.parse(schemas);
  writeFileSync(path, JSON.stringify(api));
  return path;
}
