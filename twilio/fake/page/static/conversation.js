import { ask } from './api.js';

const pageSize = 50;
const keptAtMost = 400; // with more messages than this, the page drops the oldest

// A Conversation holds the messages of one session that were read so far: the newest
// page, the older pages that the reader asked for, and new messages.
export class Conversation {
  constructor(sid) {
    this.sid = sid;
    this.messages = []; // oldest first
    this.bySid = new Map();
    this.olderThan = 0; // the next older page begins before this seq; 0 = there is none
    this.loaded = false;
  }

  // catchUp reads the newest messages and returns the new ones, oldest first.
  // thoroughly = it reads back to the oldest message whose status may have changed.
  // It starts over with the newest page if there are too many new messages, or if
  // the last known message does not exist any more.
  async catchUp(thoroughly) {
    if (!this.loaded) return this.start();
    const last = this.messages.at(-1);
    const newest = last?.seq ?? 0;
    const first = this.messages[0]?.seq ?? 0;
    const oldest = (thoroughly && this.messages.find((m) => !isFinal(m))?.seq) || newest;
    const fresh = [];
    let met = !last; // whether the last known message was found; a restarted fake may not have it
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
    this.dropOldest(fresh.length);
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

  // status applies a status event. It returns false if the message was not read yet.
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
      const known = this.bySid.get(message.sid);
      if (known) {
        Object.assign(known, { error_code: undefined }, message);
        continue;
      }
      this.bySid.set(message.sid, message);
      this.messages.push(message);
    }
    this.messages.sort((a, b) => a.seq - b.seq);
  }

  // dropOldest drops the oldest messages if new ones made the list too long.
  dropOldest(added) {
    const excess = this.messages.length - keptAtMost;
    if (added === 0 || excess <= 0) return;
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
