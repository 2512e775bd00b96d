import { ask } from './api.js';
import { byId, cut, el, icon, reconcile, timeOf } from './dom.js';
import { nameOf } from './phones.js';

const pageSize = 30;

// A Sidebar lists the services, and the sessions of the open service.
export class Sidebar {
  constructor() {
    this.services = [];
    this.sessions = []; // of the open service, newest first
    this.olderThan = 0;
    this.open = ''; // SID of the open service
    this.current = ''; // SID of the selected session
    this.nav = byId('services');
  }

  setServices(services) {
    this.services = services;
    if (!services.some((s) => s.sid === this.open)) {
      this.open = services[0]?.sid ?? '';
      this.sessions = [];
    }
  }

  // read reads the listed sessions again.
  async read() {
    if (!this.open) {
      this.sessions = [];
      return;
    }
    const wanted = this.open;
    const page = await ask(this.address(0, Math.min(Math.max(this.sessions.length, pageSize), 200)));
    if (wanted !== this.open) return;
    const last = page.sessions.at(-1)?.seq ?? 0;
    const rest = page.next_before ? this.sessions.filter((s) => s.seq < last) : [];
    this.sessions = [...page.sessions, ...rest];
    if (rest.length === 0) this.olderThan = page.next_before;
  }

  async readOlder() {
    const page = await ask(this.address(this.olderThan, pageSize));
    this.sessions.push(...page.sessions);
    this.olderThan = page.next_before;
    this.render();
  }

  address(before, limit) {
    return `/_fake/sessions?service=${encodeURIComponent(this.open)}&limit=${limit}${before ? `&before=${before}` : ''}`;
  }

  // put replaces one session in the list.
  put(session) {
    const at = this.sessions.findIndex((s) => s.sid === session.sid);
    if (at >= 0) this.sessions[at] = session;
  }

  async toggle(sid) {
    this.open = this.open === sid ? '' : sid;
    this.sessions = [];
    this.olderThan = 0;
    this.render();
    await this.read();
    this.render();
  }

  render() {
    if (this.services.length === 0) {
      this.nav.replaceChildren(el('p', { class: 'nothing' }, 'No service yet: create one through the API.'));
      return;
    }
    reconcile(this.nav, this.services, (s) => s.sid, (s) => [s.unique_name, s.sessions, s.sid === this.open].join(), (s) => this.service(s));
    for (const list of this.nav.querySelectorAll('.sessions')) {
      reconcile(list, this.sessions, (s) => s.sid,
        (s) => [s.unique_name, s.status, s.messages, s.last_message?.status, s.last_message?.sid, s.participants.map(nameOf), s.sid === this.current].join(),
        (s) => this.session(s));
    }
    for (const more of this.nav.querySelectorAll('.more')) more.hidden = this.olderThan === 0;
  }

  service(service) {
    const open = service.sid === this.open;
    const count = service.sessions === 1 ? '1 session' : `${service.sessions} sessions`;
    return el('section', { class: 'service' },
      el('h2', {}, el('button', { type: 'button', class: 'service-name', 'aria-expanded': String(open), title: service.sid, click: () => this.toggle(service.sid) },
        el('span', {}, service.unique_name), el('span', { class: 'count' }, count))),
      open && el('ul', { class: 'sessions' }),
      open && el('button', { type: 'button', class: 'more quiet', hidden: this.olderThan === 0, click: () => this.readOlder() }, 'Older sessions'));
  }

  session(session) {
    const people = session.participants.filter((p) => !p.deleted).map(nameOf).join(' and ') || 'nobody yet';
    const last = session.last_message;
    return el('li', {},
      el('a', { href: `#${session.sid}`, class: 'session', 'aria-current': session.sid === this.current ? 'page' : null },
        el('span', { class: 'session-name' }, session.unique_name || session.sid,
          last && el('time', { datetime: last.date_created }, timeOf(last.date_created))),
        el('span', { class: 'session-people' }, people, el('span', { class: `state is-${session.status}` }, session.status)),
        el('span', { class: `session-last is-${last?.status ?? 'none'}` }, last && icon(last.status),
          el('span', { dir: 'auto' }, last ? cut(last.body, 80) || 'media' : 'no message yet'))));
  }
}
