import { ask } from './api.js';

const shownAtMost = 50;
const patience = 1000; // milliseconds without an answer before a request is shown to have none
const waitedFor = 60000; // milliseconds in which an answer may still come

// Attempts are the requests to send a message in one session whose caller did
// not read a receipt: refused, dropped, never answered. Some were accepted all
// the same, and then belong to a message that is there.
export class Attempts {
  constructor(session, serviceName, conversation) {
    this.session = session;
    this.serviceName = serviceName;
    this.conversation = conversation;
    this.refused = []; // to be shown as bubbles, oldest first
    this.lost = new Map(); // message SID to the request whose answer went wrong
    this.decided = new Map(); // request number to message SID, "" = none
    this.seen = new Map(); // number of a request without an answer to when the page saw it first
    this.receipts = new Set(); // numbers of the requests whose answer was read and is whole
  }

  // read looks at the recorded requests anew. It is true when one of them may
  // still be answered: then they are worth another look.
  async read() {
    const { requests } = await ask('/_fake/requests');
    const refused = [];
    const lost = new Map();
    let open = false;
    for (const request of requests.filter((r) => !this.hasReceipt(r) && this.isHere(r)).slice(-shownAtMost)) {
      const silence = this.silence(request);
      open ||= !request.status && silence < waitedFor;
      if (!request.status && silence < patience) continue;
      const attempt = describe(request);
      const sid = await this.messageOf(attempt);
      if (sid) lost.set(sid, request);
      else refused.push(attempt);
    }
    Object.assign(this, { refused, lost });
    return open;
  }

  // silence is for how many milliseconds the page has known of a request. The
  // fake's clock, which can be set, is of no use here.
  silence(request) {
    if (!this.seen.has(request.number)) this.seen.set(request.number, performance.now());
    return performance.now() - this.seen.get(request.number);
  }

  hasReceipt(request) {
    if (!(request.status >= 200 && request.status < 300)) return false;
    if (!this.receipts.has(request.number) && parsed(request.answer)?.sid) this.receipts.add(request.number);
    return this.receipts.has(request.number);
  }

  isHere(request) {
    if (request.operation !== 'CreateMessageInteraction') return false;
    const [, , , service, , session] = request.url.split('?')[0].split('/').map(decoded);
    return (service === this.session.service_sid || service === this.serviceName)
      && (session === this.session.sid || session === this.session.unique_name);
  }

  // messageOf finds the message that a request made although it got no receipt.
  async messageOf(attempt) {
    if (this.decided.has(attempt.number)) return this.decided.get(attempt.number);
    const candidates = this.conversation.messages.filter((m) => m.from_participant_sid === '' && m.exchange
      && m.to_participant_sid === attempt.to && m.body === attempt.body
      && Date.parse(m.date_created) >= Math.floor(Date.parse(attempt.request.time)));
    for (const { sid } of candidates.slice(0, 20)) {
      if ([...this.decided.values()].includes(sid)) continue;
      const { request } = await ask(`/_fake/messages/${encodeURIComponent(sid)}`);
      if (request) this.decided.set(request.number, sid);
      if (request?.number === attempt.number) return sid;
    }
    if (attempt.request.status) this.decided.set(attempt.number, '');
    return '';
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
  const form = new URLSearchParams(request.body);
  const answer = parsed(request.answer);
  return {
    number: request.number,
    to: decoded(request.url.split('?')[0].split('/')[7] ?? ''),
    body: form.get('Body') ?? '',
    media_url: form.getAll('MediaUrl'),
    date_created: request.time,
    status: 'refused',
    http: request.status ?? 0,
    error_code: answer?.code ?? 0,
    request,
  };
}

export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
