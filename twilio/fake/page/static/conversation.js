import { ask } from './api.js';

const pageSize = 50;
const keptAtMost = 400; // messages in the page before old ones are let go

// A Conversation is what is known of one session's messages: the newest page,
// older ones as they were asked for, and what came since.
export class Conversation {
  constructor(sid) {
    this.sid = sid;
    this.messages = []; // oldest first
    this.bySid = new Map();
    this.olderThan = 0; // where the next older page begins; 0 = there is none
    this.loaded = false;
  }

  // catchUp reads the newest messages and returns those that are new, oldest
  // first. Thoroughly means back to the oldest whose status may have changed.
  // If too much has come to close the gap, or what was known is gone, it starts
  // over with the newest page.
  async catchUp(thoroughly) {
    if (!this.loaded) return this.start();
    const last = this.messages.at(-1);
    const newest = last?.seq ?? 0;
    const first = this.messages[0]?.seq ?? 0;
    const oldest = (thoroughly && this.messages.find((m) => !isFinal(m))?.seq) || newest;
    const fresh = [];
    let met = !last; // with the newest message known so far; another fake has it not
    let reached = Infinity;
    let before = 0;
    for (let pages = 0; pages < 5 && reached > oldest; pages++) {
      const page = await this.read(before, 100);
      met ||= page.messages.some((m) => m.sid === last.sid);
      fresh.unshift(...page.messages.filter((m) => m.seq > newest).reverse());
      this.merge(page.messages.filter((m) => m.seq >= first));
      before = page.next_before;
      reached = before === 0 ? 0 : page.messages.at(-1).seq;
    }
    if (!met || reached > newest) return this.start();
    this.letGo(fresh.length);
    return fresh;
  }

  async start() {
    const page = await this.read(0, pageSize);
    this.messages = [];
    this.bySid.clear();
    this.merge(page.messages);
    this.olderThan = page.next_before;
    this.loaded = true;
    return [];
  }

  async older() {
    const page = await this.read(this.olderThan, pageSize);
    this.merge(page.messages);
    this.olderThan = page.next_before;
  }

  // status takes over what a status event says; false = the message is not here.
  status(event) {
    const message = this.bySid.get(event.message_sid);
    if (!message) return false;
    message.status = event.status;
    message.error_code = event.error_code;
    return true;
  }

  read(before, limit) {
    const from = before ? `&before=${before}` : '';
    return ask(`/_fake/sessions/${encodeURIComponent(this.sid)}/messages?limit=${limit}${from}`);
  }

  merge(messages) {
    for (const message of messages) {
      const present = this.bySid.get(message.sid);
      if (present) {
        Object.assign(present, { error_code: undefined }, message);
        continue;
      }
      this.bySid.set(message.sid, message);
      this.messages.push(message);
    }
    this.messages.sort((a, b) => a.seq - b.seq);
  }

  // letGo forgets the oldest of too many messages, when others came.
  letGo(came) {
    const excess = this.messages.length - keptAtMost;
    if (came === 0 || excess <= 0) return;
    for (const message of this.messages.splice(0, excess)) this.bySid.delete(message.sid);
    this.olderThan = this.messages[0].seq;
  }
}

export function isFinal(message) {
  return !['queued', 'sent'].includes(message.status);
}

export function isFailure(status) {
  return ['failed', 'undelivered', 'refused'].includes(status);
}
