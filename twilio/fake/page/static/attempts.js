import { ask } from './api.js';
import { parsed } from './dom.js';

const shownAtMost = 50;
const patience = 1000; // after this many milliseconds without an answer, a request is shown as unanswered
const waitedFor = 60000; // after this many milliseconds, the page does not expect an answer any more

// Attempts are the requests to send a message in one session whose callers did not
// get a receipt: they were refused, dropped, late or never answered. Some of them
// were accepted anyway. Those belong to an existing message.
export class Attempts {
  constructor(sid) {
    this.sid = sid;
    this.refused = []; // requests without a message, oldest first; they are shown as bubbles
    this.lost = new Map(); // from a message's SID to its request, if the answer is missing or an error
    this.seen = new Map(); // from the number of an unanswered request to the time when the page saw it first
    this.after = 0; // requests up to this number do not change any more
  }

  // read reads the recorded requests that may have changed. It returns true if one of
  // them may still be answered, so that the caller should call read again.
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

  // silence returns for how many milliseconds the page has known a request. It does
  // not use the fake's clock, because that can be set.
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
