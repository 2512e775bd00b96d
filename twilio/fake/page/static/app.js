import { ask, coalesce, listen } from './api.js';
import { Attempts } from './attempts.js';
import { Conversation } from './conversation.js';
import { setUpDetails } from './details.js';
import { byId, cut, el, reconcile } from './dom.js';
import { FaultPanel } from './faults.js';
import { nameOf, Phone } from './phones.js';
import { Sidebar } from './sidebar.js';

const sidebar = new Sidebar();
const panel = new FaultPanel();
const showDetails = setUpDetails();
const stale = { state: true, sessions: true, session: true, messages: true, thoroughly: false }; // what to read again
let shown = null; // { session, conversation, attempts, phones } of the selected session

function trouble(text) {
  byId('trouble').textContent = text;
  byId('trouble').hidden = text === '';
}
panel.onTrouble = trouble;

// refresh reads everything again that an event has marked as stale.
const refresh = coalesce(async () => {
  const now = { ...stale };
  for (const name of Object.keys(stale)) stale[name] = false;
  try {
    if (now.state) await readState();
    if (now.sessions) await sidebar.read();
    const opened = await openWanted();
    if (shown && !opened && now.session) await readSession();
    if (shown && !opened && now.messages) announce(await shown.conversation.catchUp(now.thoroughly));
    trouble('');
  } catch (error) {
    trouble(error.message);
  }
  render();
  if (now.messages) readAttempts();
}, 120);

const readAttempts = coalesce(async () => {
  const attempts = shown?.attempts;
  if (!attempts) return;
  try {
    const before = new Set(attempts.refused.map((a) => a.number));
    const open = await attempts.read();
    if (attempts !== shown?.attempts) return;
    if (attempts.loaded) announce(attempts.refused.filter((a) => !before.has(a.number)));
    attempts.loaded = true;
    renderPhones();
    if (open) setTimeout(readAttempts, 1000);
  } catch (error) {
    trouble(error.message);
  }
}, 400);

function declareStale(...names) {
  for (const name of names) stale[name] = true;
  refresh();
}

const readers = {
  hello: () => {
    if (shown) shown.attempts = new Attempts(shown.session.sid); // a restarted fake numbers its requests from 1 again
    declareStale('state', 'sessions', 'session', 'messages', 'thoroughly');
  },
  reset: () => {
    shown = null;
    declareStale('state', 'sessions', 'session', 'messages');
  },
  service: () => declareStale('state', 'sessions', 'session'), // the sessions of a deleted service are gone, too
  session: () => declareStale('state', 'sessions', 'session'),
  clock: (event) => {
    showClock(event.data);
    declareStale('session', 'messages', 'thoroughly');
  },
  faults: (event) => {
    panel.show(event.data ?? []);
    readAttempts();
  },
  refused: () => readAttempts(),
  message: (event) => {
    if (event.session_sid === shown?.session.sid) declareStale('session', 'messages');
    else declareStale('sessions');
  },
  status: (event) => {
    if (event.session_sid !== shown?.session.sid) return declareStale('sessions');
    shown.conversation.status(event);
    stale.session = true;
    return refresh();
  },
};

async function readState() {
  const state = await ask('/_fake/state');
  sidebar.setServices(state.services);
  panel.offer(state.operations, state.effects);
  panel.show(state.faults);
  showClock(state.clock);
}

function showClock(clock) {
  byId('clock').hidden = !clock.frozen;
  byId('clock-text').textContent = `The clock is stopped at ${new Date(clock.now).toLocaleString()}.`;
}

// openWanted opens the session that the page's address names, or else the newest.
// It returns false if that session is already selected.
async function openWanted() {
  const named = location.hash.startsWith('#KC') ? location.hash.slice(1) : '';
  const wanted = named || shown?.session.sid || sidebar.sessions[0]?.sid;
  if (!wanted || wanted === shown?.session.sid) return false;
  try {
    await openSession(wanted);
    return true;
  } catch (error) {
    if (error.status !== 404 || !named) throw error;
    forgetAddress();
    return openWanted();
  }
}

async function openSession(sid) {
  const session = await ask(`/_fake/sessions/${encodeURIComponent(sid)}`);
  const conversation = new Conversation(sid);
  await conversation.catchUp();
  shown = { session, conversation, attempts: new Attempts(sid), phones: new Map() };
  byId('phones').replaceChildren();
  if (sidebar.open !== session.service_sid) {
    sidebar.open = session.service_sid;
    await sidebar.read();
  }
  readAttempts();
}

function forgetAddress() {
  history.replaceState(null, '', location.pathname);
}

async function readSession() {
  try {
    shown.session = await ask(`/_fake/sessions/${encodeURIComponent(shown.session.sid)}`);
    sidebar.put(shown.session);
  } catch (error) {
    if (error.status !== 404) throw error;
    shown = null; // the session was deleted
    forgetAddress();
    await openWanted();
  }
}

function announce(entries) {
  if (entries.length === 0) return;
  const last = entries.at(-1);
  const to = nameOfSid(last.to_participant_sid ?? last.to);
  const more = entries.length > 1 ? ` and ${entries.length - 1} more` : '';
  byId('announcer').textContent = `${last.sid ? 'New message' : 'Refused message'} to ${to}: ${cut(last.body, 120)}${more}`;
}

function nameOfSid(sid) {
  const participant = shown?.session.participants.find((p) => p.sid === sid);
  return participant ? `${nameOf(participant)} (${participant.identifier})` : sid || 'nobody';
}

// entries returns the messages and the refused attempts, in order of time. It leaves
// out attempts that are older than the oldest message that was read so far.
function entries() {
  const { conversation, attempts } = shown;
  const all = [...conversation.messages];
  for (const attempt of attempts.refused) {
    let at = all.length;
    while (at > 0 && Date.parse(all[at - 1].date_created) > Date.parse(attempt.date_created)) at--;
    if (at > 0 || conversation.olderThan === 0) all.splice(at, 0, attempt);
  }
  return all;
}

function facts(session) {
  const messages = session.messages === 1 ? '1 message' : `${session.messages.toLocaleString()} messages`;
  return [`${session.status} · ${session.mode.replaceAll('-', ' ')} · ${messages} · `, el('code', {}, session.sid)];
}

function render() {
  sidebar.current = shown?.session.sid ?? '';
  sidebar.render();
  const session = shown?.session;
  byId('session-name').textContent = session ? session.unique_name || session.sid : 'No session';
  byId('session-facts').replaceChildren(...(session ? facts(session) : ['Create one through the API, or pick one from the list.']));
  document.title = session ? `${session.unique_name || session.sid}, fake Twilio Proxy` : 'Fake Twilio Proxy';
  renderPhones();
}

function renderPhones() {
  const people = shown ? [...shown.session.participants].sort((a, b) => a.deleted - b.deleted) : [];
  for (const participant of people) {
    const phone = shown.phones.get(participant.sid);
    if (phone) phone.update(participant);
    else shown.phones.set(participant.sid, newPhone(participant));
  }
  reconcile(byId('phones'), people, (p) => p.sid, () => '', (p) => shown.phones.get(p.sid).element);
  if (!shown) return;
  const all = entries();
  for (const phone of shown.phones.values()) phone.render(all, shown.conversation.olderThan !== 0, shown.attempts.lost);
}

function newPhone(participant) {
  const older = async () => {
    try {
      await shown.conversation.older();
      await shown.attempts.read();
    } catch (error) {
      trouble(error.message);
    }
    renderPhones();
  };
  const phone = new Phone(participant, (entry) => showDetails(entry, nameOfSid), older);
  phone.onUnfold = renderPhones;
  return phone;
}

byId('base-url').textContent = location.origin;
byId('clock-run').addEventListener('click', () => ask('/_fake/clock', 'PUT', { frozen: false }).catch((error) => trouble(error.message)));
byId('skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('conversation').focus();
});
addEventListener('hashchange', refresh);
addEventListener('focus', readAttempts);
listen((event) => readers[event.type]?.(event), (state) => {
  byId('live').dataset.state = state;
  byId('live').textContent = state === 'on' ? 'Live' : 'Connection lost, trying again…';
});
