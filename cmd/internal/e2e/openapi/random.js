// Random answers: whatever the document allows.
import assert from "node:assert/strict";
import { participant, session, sid } from "./document.js";

const rounds = 50; // calls of each tool
const final = ["delivered", "undelivered", "failed", "canceled", "read", "deleted"];

// The arguments of each tool, taken in turn. The words are of the Latin that Prism makes its texts of.
const asked = {
  send_message_interaction: [
    { ...participant, Body: "some message" },
    { ...participant, Body: "another message 🚕" },
  ],
  find_participant: [
    { Service: sid("KS"), Session: sid("KC"), Participant: sid("KP") },
    { Service: sid("KS"), Session: sid("KC") },
    { Service: sid("KS"), Session: "dolor" },
    { Service: sid("KS"), Session: "in", Participant: "ut" },
    { Service: "sit", Session: "et", Participant: "1234" },
    { Session: "Order #1234" },
  ],
  get_interaction: [{ ...session, InteractionSid: sid("KI") }],
  list_sessions: [{ Service: sid("KS") }, { Service: sid("KS"), Status: "closed", Limit: 1 }, { Service: "dolor" }, {}],
  read_conversation: [session, { ...participant, Limit: 1 }, { ...session, Since: "1950-01-01T00:00:00Z" }],
};

// holds has what must be true of a result that has structured content.
const holds = {
  send_message_interaction(data, { sent }) {
    assert.equal(sent, "yes");
  },
  find_participant({ match, candidates, searched }) {
    const [least, most] = { none: [0, 0], one: [1, 1], several: [1, 5] }[match];
    assert.ok(candidates.length >= least && candidates.length <= most, `${match}: ${candidates.length} candidates`);
    assert.equal(typeof searched.complete, "boolean");
    for (const { sendable, why_not } of candidates) assert.equal(sendable, why_not === null);
  },
  get_interaction({ status, final: isFinal }) {
    assert.equal(isFinal, final.includes(status));
  },
  list_sessions({ sessions, complete }) {
    assert.ok(sessions.length <= 20);
    assert.equal(typeof complete, "boolean");
  },
  read_conversation({ messages }) {
    for (const { quoted_text } of messages) assert.ok(quoted_text === null || [...quoted_text].length <= 500);
  },
};

// randomAnswers adds a test of each tool. The same seeds give the same answers in each run.
export function randomAnswers(check) {
  for (const [tool, variants] of Object.entries(asked)) {
    check(`random answers for ${tool}`, async ({ call, front }) => {
      let answers = 0;
      for (let round = 0; round < rounds; round++) {
        front.prefer = () => `dynamic=true, seed=${tool}-${round}-${answers++}`;
        const args = { ...variants[round % variants.length] };
        if (args.Body) args.Body += ` ${round}`;
        try {
          const { outcome, data } = await call(tool, args);
          if (data) holds[tool](data, outcome);
        } catch (cause) {
          throw new Error(`round ${round}, ${JSON.stringify(args)}`, { cause });
        }
      }
    });
  }
}
