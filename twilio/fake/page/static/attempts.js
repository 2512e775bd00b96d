import { ask } from './api.js';
import { parsed } from './dom.js';

const shownAtMost = 50;
const patience = 1000; // milliseconds without an answer before a request is shown to have none yet
const waitedFor = 60000; // milliseconds in which an answer may still come

// Attempts are the requests to send a message in one session whose caller did
// not read a receipt: refused, dropped, late, never answered. Some were
// accepted all the same, and then belong to a message that is there.
export class Attempts {
  constructor(sid) {
    this.sid = sid;
    this.refused = []; // to be shown as bubbles, oldest first
    this.lost = new Map(); // message SID to the request whose answer is missing or went wrong
    this.seen = new Map(); // number of a request without an answer to when the page saw it first
    this.after = 0; // the requests up to this number will not change any more
  }

  // read looks at what is new among the recorded requests. It is true when one
  // of them may still be answered: then they are worth another look.
  async read() {
    const { requests } = await ask(`/_fake/requests?brief=true&operation=CreateMessageInteraction`
      + `&session=${encodeURIComponent(this.sid)}&after=${this.after}`);
    const refused = new Map(this.refused.map((attempt) => [attempt.number, attempt]));
    let open = false;
    let settled = true;
    for (const request of requests) {
      const waits = !request.status && !request.dropped;
      const silence = waits ? this.silence(request) : 0;
      open ||= waits && silence < waitedFor;
      settled &&= !waits;
      if (settled) this.after = request.number;
      refused.delete(request.number);
      this.lost.delete(request.message_sid);
      if (request.receipt || (waits && silence < patience)) continue;
      if (request.message_sid) this.lost.set(request.message_sid, request);
      else refused.set(request.number, describe(request));
    }
    this.refused = [...refused.values()].sort((a, b) => a.number - b.number).slice(-shownAtMost);
    return open;
  }

  // silence is for how many milliseconds the page has known of a request. The
  // fake's clock, which can be set, is of no use here.
  silence(request) {
    if (!this.seen.has(request.number)) this.seen.set(request.number, performance.now());
    return performance.now() - this.seen.get(request.number);
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function describe(request) {
  return {
    number: request.number,
    to: decoded(request.url.split('?')[0].split('/')[7] ?? ''),
    body: request.text ?? '',
    media_url: request.media_url ?? [],
    date_created: request.time,
    status: 'refused',
    http: request.status ?? 0,
    dropped: request.dropped ?? false,
    error_code: parsed(request.answer ?? '')?.code ?? 0,
  };
}
