import { ask } from './api.js';

const shownAtMost = 50;
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
  }

  // read looks at the recorded requests anew. It is true when one of them may
  // still be answered: then they are worth another look.
  async read() {
    const { requests } = await ask('/_fake/requests');
    const refused = [];
    const lost = new Map();
    let open = false;
    for (const request of requests.filter((r) => this.isHere(r) && !hasReceipt(r)).slice(-shownAtMost)) {
      const attempt = describe(request);
      const sid = await this.messageOf(attempt);
      if (sid) lost.set(sid, request);
      else refused.push(attempt);
      open ||= !request.status && Date.now() - Date.parse(request.time) < waitedFor;
    }
    Object.assign(this, { refused, lost });
    return open;
  }

  isHere(request) {
    if (request.operation !== 'CreateMessageInteraction') return false;
    const [, , service, , session] = request.url.split('?')[0].split('/').slice(1).map(decoded);
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

function hasReceipt(request) {
  if (request.status < 200 || request.status > 299) return false;
  return Boolean(parsed(request.answer)?.sid);
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
