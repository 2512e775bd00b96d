import { ask } from './api.js';
import { byId, el, reconcile } from './dom.js';

const defaultOperation = 'CreateMessageInteraction';

const effects = {
  status: ['Refuse it with a status', 'Nothing is sent; the caller reads the status.'],
  'error-after': ['Accept it, then answer with an error', 'The message is sent anyway.'],
  delay: ['Answer late', 'The message is sent at once; the answer comes later.'],
  'drop-before': ['Close the connection', 'Nothing is sent, and the caller gets no answer.'],
  'drop-after': ['Accept it, then close the connection', 'The message is sent, but the caller gets no answer.'],
  truncate: ['Cut the answer in half', 'The message is sent; half of the answer arrives.'],
  html: ['Answer with an HTML page', 'Like a proxy on the way to Twilio. The message is sent if the status is 2xx.'],
  portal: ['Answer with a login page', 'Like a captive portal on the way to Twilio. Nothing is sent.'],
  swap: ['Accept it, then answer about others', 'The message is sent; the answer has the SIDs and the text of another one.'],
  hang: ['Never answer', 'Nothing is sent; the connection stays open without an answer.'],
  'hang-after': ['Accept it, then never answer', 'The message is sent; the connection stays open without an answer.'],
};

// inShort describes an armed fault in a few words.
function inShort(fault) {
  const status = fault.code ? `${fault.status} · ${fault.code}` : String(fault.status);
  switch (fault.effect) {
    case 'status': return `Refuse with ${status}`;
    case 'error-after': return `Accept, then answer ${status}`;
    case 'html': return `Answer HTML with status ${fault.status}`;
    case 'portal': return `Answer a login page with status ${fault.status}`;
    case 'delay': return `Answer ${fault.delay ?? '0s'} late`;
    default: return effects[fault.effect]?.[0] ?? fault.effect;
  }
}

// A FaultPanel lists the armed faults and has the form for a new one.
export class FaultPanel {
  constructor() {
    this.faults = [];
    this.dialog = byId('fault-dialog');
    this.form = byId('fault-form');
    byId('faults-open').addEventListener('click', () => this.open());
    byId('faults-clear').addEventListener('click', () => this.replace([]));
    byId('fault-cancel').addEventListener('click', () => this.dialog.close());
    byId('fault-effect').addEventListener('change', () => this.fit());
    this.form.addEventListener('submit', (event) => this.arm(event));
  }

  // offer fills the form's lists with the fake's operations and effects.
  offer(operations, effectNames) {
    if (this.form.elements.operation.options.length > 0) return;
    this.form.elements.operation.append(el('option', { value: '' }, 'any operation'),
      ...operations.map((name) => el('option', { value: name, selected: name === defaultOperation }, name)));
    this.form.elements.effect.append(...effectNames.map((name) => el('option', { value: name }, effects[name]?.[0] ?? name)));
    this.fit();
  }

  show(faults) {
    this.faults = faults;
    byId('faults-clear').hidden = faults.length === 0;
    const list = byId('faults-list');
    if (faults.length === 0) {
      list.replaceChildren(el('li', { class: 'nothing' }, 'None: every call is answered normally.'));
      return;
    }
    reconcile(list, faults.map((fault, index) => ({ fault, index })),
      ({ index }) => index, ({ fault }) => JSON.stringify(fault), ({ fault, index }) => this.item(fault, index));
  }

  item(fault, index) {
    const what = inShort(fault);
    return el('li', { class: 'fault' },
      el('div', {},
        el('p', { class: 'fault-what' }, what),
        el('p', { class: 'fault-where' }, `${fault.operation || 'any operation'} × ${fault.times}`)),
      el('button', {
        type: 'button', class: 'quiet', 'aria-label': `Disarm: ${what}`,
        click: () => this.replace(this.faults.filter((_, at) => at !== index)),
      }, '×'));
  }

  async replace(faults) {
    try {
      await ask('/_fake/faults', faults.length > 0 ? 'PUT' : 'DELETE', faults.length > 0 ? { faults } : undefined);
      byId('faults-open').focus();
    } catch (error) {
      this.onTrouble?.(error.message);
    }
  }

  open() {
    byId('fault-error').textContent = '';
    this.dialog.showModal();
    byId('fault-effect').focus();
  }

  // fit shows only the fields that the selected effect needs.
  fit() {
    const effect = this.form.elements.effect.value;
    byId('fault-hint').textContent = effects[effect]?.[1] ?? '';
    for (const field of this.form.querySelectorAll('[data-for]')) {
      field.hidden = !field.dataset.for.split(' ').includes(effect);
      field.querySelector('input').disabled = field.hidden;
    }
  }

  async arm(event) {
    event.preventDefault();
    const given = new FormData(this.form);
    const fault = { operation: given.get('operation'), effect: given.get('effect') };
    for (const name of ['times', 'status', 'code', 'delay']) {
      if (given.get(name)) fault[name] = Number(given.get(name));
    }
    if (given.get('message')) fault.message = given.get('message');
    try {
      await ask('/_fake/faults', 'POST', fault);
      this.dialog.close();
    } catch (error) {
      byId('fault-error').textContent = error.message;
    }
  }
}
