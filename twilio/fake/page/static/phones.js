import { ask } from './api.js';
import { cut, el, icon, reconcile, timeOf } from './dom.js';
import { isFailure } from './conversation.js';

const shownOfBody = 600; // characters of a long body, until the reader asks for all

// nameOf returns a participant's name on the page.
export function nameOf(participant) {
  return participant?.friendly_name || participant?.identifier || 'nobody';
}

// A Phone is one participant's side of a conversation. Messages to the participant
// are on the left, messages from the participant on the right.
export class Phone {
  constructor(participant, show, older) {
    this.show = show;
    this.unfolded = new Set();
    this.atEnd = true; // whether the newest entry is in view
    this.list = el('ol', { class: 'bubbles' });
    this.older = el('button', { type: 'button', class: 'older', click: older }, 'Older messages');
    this.none = el('p', { class: 'nothing' });
    this.screen = el('div', { class: 'screen', tabindex: '0', role: 'group', scroll: () => this.onScroll() }, this.older, this.none, this.list);
    this.head = el('header', { class: 'phone-head' });
    this.box = el('textarea', { rows: '1', name: 'answer', placeholder: 'Answer…', keydown: (e) => this.onKey(e) });
    this.error = el('p', { class: 'form-error', role: 'alert' });
    this.button = el('button', { type: 'submit', class: 'primary' }, 'Send');
    this.form = el('form', { class: 'answer', submit: (e) => this.answer(e) }, this.box, this.button, this.error);
    this.element = el('section', { class: 'phone' }, this.head, this.screen, this.form);
    this.update(participant);
  }

  update(participant) {
    this.participant = participant;
    const name = nameOf(participant);
    this.element.setAttribute('aria-label', `${name}'s phone`);
    this.element.classList.toggle('left', participant.deleted);
    this.screen.setAttribute('aria-label', `Messages on ${name}'s phone`);
    this.box.setAttribute('aria-label', `Answer as ${name}`);
    this.box.disabled = this.button.disabled = participant.deleted;
    this.head.replaceChildren(
      el('span', { class: 'avatar', 'aria-hidden': 'true' }, ([...name.replace(/^\+/, '')][0] ?? '+').toUpperCase()),
      el('div', {},
        el('h2', {}, name),
        el('p', {}, el('span', { title: 'Own number' }, participant.identifier),
          el('span', { class: 'via' }, participant.deleted ? 'has left' : `writes to ${participant.proxy_identifier || 'no number'}`))));
  }

  // render shows the entries of this phone. If the newest entry was in view, the
  // newest one is in view afterwards. Otherwise the view does not move.
  render(entries, hasOlder, lost) {
    const sid = this.participant.sid;
    const mine = entries.filter((e) => e.from_participant_sid === sid || (e.to_participant_sid ?? e.to) === sid);
    const key = (e) => e.sid ?? `attempt-${e.number}`;
    const first = this.list.firstElementChild;
    const grows = !this.atEnd && mine.length > 0 && first?.dataset.key !== String(key(mine[0]));
    const fromEnd = grows ? this.screen.scrollHeight - this.screen.scrollTop : 0;
    const changed = reconcile(this.list, mine, key,
      (e) => [e.status, e.error_code, e.http, this.unfolded.has(key(e)), e.dropped, lost.has(e.sid), lost.get(e.sid)?.status, lost.get(e.sid)?.dropped].join(),
      (e) => this.bubble(e, key(e), lost.get(e.sid)));
    this.older.hidden = !hasOlder;
    this.none.hidden = mine.length > 0;
    this.none.textContent = hasOlder ? 'No message for this phone among those loaded so far.' : 'No message yet.';
    if (grows) this.screen.scrollTop = this.screen.scrollHeight - fromEnd;
    else if (changed && this.atEnd) this.toEnd();
  }

  // toEnd scrolls to the newest entry. It waits for the browser's next layout.
  toEnd() {
    this.atEnd = true;
    requestAnimationFrame(() => { this.screen.scrollTop = this.screen.scrollHeight; });
  }

  onScroll() {
    this.atEnd = this.screen.scrollHeight - this.screen.scrollTop - this.screen.clientHeight < 60;
  }

  bubble(entry, key, lost) {
    const wrote = entry.from_participant_sid === this.participant.sid;
    const failed = isFailure(entry.status);
    const details = el('button', { type: 'button', class: 'meta', click: () => this.show(entry) },
      el('span', {}, timeOf(entry.date_created)), icon(entry.status), el('span', {}, statusText(entry)),
      el('span', { class: 'unseen' }, ', show its request and response'));
    const folded = entry.body.length > shownOfBody && !this.unfolded.has(key);
    const onClick = (e) => {
      if (!e.target.closest('button, a') && getSelection().isCollapsed) this.show(entry);
    };
    return el('li', { class: `bubble ${wrote ? 'out' : 'in'} ${failed ? 'failed' : ''} is-${entry.status}` },
      wrote || entry.from_participant_sid ? null : el('p', { class: 'origin' }, entry.sid ? 'through the API' : 'refused by the API'),
      el('div', { class: 'speech', click: onClick },
        el('p', { class: 'text', dir: 'auto' }, folded ? cut(entry.body, shownOfBody) : entry.body),
        folded && el('button', { type: 'button', class: 'unfold', click: () => this.unfold(key) },
          `Show all ${entry.body.length.toLocaleString()} characters`),
        ...(entry.media_url ?? []).map((url) => el('p', { class: 'media' }, url))),
      details,
      lost && el('p', { class: 'lost' }, lostText(lost)));
  }

  unfold(key) {
    this.unfolded.add(key);
    this.onUnfold?.();
  }

  onKey(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.form.requestSubmit();
  }

  async answer(event) {
    event.preventDefault();
    const body = this.box.value;
    if (body.trim() === '') return;
    this.error.textContent = '';
    this.button.disabled = true;
    try {
      await ask(`/_fake/participants/${encodeURIComponent(this.participant.sid)}/messages`, 'POST', { body });
      this.box.value = '';
      this.toEnd();
    } catch (error) {
      this.error.textContent = error.message;
    } finally {
      this.button.disabled = this.participant.deleted;
    }
  }
}

// lostText describes the answer to a request whose message was accepted.
function lostText(request) {
  if (request.status) return `accepted, but the caller was answered ${request.status}`;
  return request.dropped ? 'accepted, but the caller got no answer' : 'accepted, but not answered yet';
}

// statusText describes an entry's status, with the code of a failure.
export function statusText(entry) {
  if (entry.status === 'refused') {
    const silence = entry.dropped ? 'no answer' : 'no answer yet';
    const status = entry.http ? `answered ${entry.http}` : silence;
    return entry.error_code ? `${status} · ${entry.error_code}` : status;
  }
  const status = entry.status === 'received' ? 'nobody to receive it' : entry.status;
  return entry.error_code ? `${status} · ${entry.error_code}` : status;
}
