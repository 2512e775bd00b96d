import { ask } from './api.js';
import { byId, el, parsed } from './dom.js';
import { statusText } from './phones.js';

const shownOfText = 65536; // characters; the fake does not record more, either

// setUpDetails prepares the drawer. It returns the function that opens it for a
// message or an attempt.
export function setUpDetails() {
  const dialog = byId('details');
  const body = byId('details-body');
  byId('details-close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return async (entry, nameOfSid) => {
    byId('details-title').textContent = entry.sid ? 'Message' : 'Refused message';
    body.replaceChildren(...facts(entry, nameOfSid));
    if (!dialog.open) dialog.showModal();
    try {
      const { request } = await ask(entry.sid ? `/_fake/messages/${encodeURIComponent(entry.sid)}` : `/_fake/requests/${entry.number}`);
      body.append(...exchange(request, entry));
    } catch (error) {
      body.append(el('p', { class: 'form-error' }, error.message));
    }
    body.scrollTop = 0;
  };
}

function facts(entry, nameOfSid) {
  const rows = [
    ['Status', statusText(entry)],
    ['From', entry.from_participant_sid ? nameOfSid(entry.from_participant_sid) : 'the API'],
    ['To', nameOfSid(entry.to_participant_sid ?? entry.to)],
    ['Created', new Date(entry.date_created).toLocaleString()],
    ['SID', entry.sid ?? 'none: no message was created'],
  ];
  return [el('dl', { class: 'facts' }, ...rows.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))];
}

function exchange(request, entry) {
  if (!request) {
    const why = entry.from_participant_sid ? 'A participant wrote this message. It was not created through the API.'
      : 'The request that created this message is no longer kept.';
    return [el('p', { class: 'hint' }, why)];
  }
  const form = [...new URLSearchParams(request.body)].map(([name, value]) => `${name} = ${value}`);
  return [
    el('h3', {}, 'Request', el('span', { class: 'tag' }, `no. ${request.number}`)),
    raw('Request', `${request.method} ${request.url}\n${headerText(request.header)}\n\n${request.body}`),
    form.length > 0 && el('h4', {}, 'Decoded form'),
    form.length > 0 && raw('Form', form.join('\n')),
    el('h3', {}, 'Response', el('span', { class: request.status >= 200 && request.status < 300 ? 'tag good' : 'tag bad' },
      request.status ? String(request.status) : 'none')),
    raw('Response', answerText(request)),
  ].filter(Boolean);
}

function raw(name, text) {
  return el('pre', { tabindex: '0', 'aria-label': name }, text.slice(0, shownOfText));
}

function headerText(header) {
  return Object.entries(header ?? {}).flatMap(([name, values]) => values.map((value) => `${name}: ${value}`)).sort().join('\n');
}

function answerText(request) {
  if (!request.status) return request.dropped ? '(the connection was closed without an answer)' : '(no answer yet)';
  const value = parsed(request.answer ?? '');
  const body = value === null ? request.answer || '(no body)' : JSON.stringify(value, null, 2);
  return `${headerText(request.answer_header)}\n\n${body}`;
}
