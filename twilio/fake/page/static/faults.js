import { ask } from './api.js';
import { byId, el, reconcile } from './dom.js';

const defaultOperation = 'CreateMessageInteraction';

const effects = {
  status: ['Refuse it with a status', 'Nothing is sent; the caller reads the status.'],
  'error-after': ['Accept it, answer an error', 'The message is sent all the same.'],
  delay: ['Answer late', 'Accepted at once, answered after a while.'],
  'drop-before': ['Close the connection', 'Nothing is sent, nothing is answered.'],
  'drop-after': ['Accept it, then close the connection', 'The message is sent, the caller never hears of it.'],
  truncate: ['Cut the answer in half', 'The message is sent; half of the answer arrives.'],
  html: ['Answer with an HTML page', 'As a proxy in between would; accepted if the status is a 2xx.'],
  hang: ['Never answer', 'Nothing is sent; the connection stays open in silence.'],
  'hang-after': ['Accept it, then never answer', 'The message is sent; the connection stays open in silence.'],
};

// inShort says what an armed fault does, with its numbers.
function inShort(fault) {
  const status = fault.code ? `${fault.status} · ${fault.code}` : String(fault.status);
  switch (fault.effect) {
    case 'status': return `Refuse with ${status}`;
    case 'error-after': return `Accept, answer ${status}`;
    case 'html': return `Answer HTML under ${fault.status}`;
    case 'delay': return `Answer ${fault.delay ?? '0s'} late`;
    default: return effects[fault.effect]?.[0] ?? fault.effect;
  }
}

// A FaultPanel lists the armed faults and has the form that arms one.
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

  // offer fills the form's choices with what the fake knows.
  offer(operations, known) {
    if (this.form.elements.operation.options.length > 0) return;
    this.form.elements.operation.append(el('option', { value: '' }, 'any operation'),
      ...operations.map((name) => el('option', { value: name, selected: name === defaultOperation }, name)));
    this.form.elements.effect.append(...known.map((name) => el('option', { value: name }, effects[name]?.[0] ?? name)));
    this.fit();
  }

  show(faults) {
    this.faults = faults;
    byId('faults-clear').hidden = faults.length === 0;
    const list = byId('faults-list');
    if (faults.length === 0) {
      list.replaceChildren(el('li', { class: 'nothing' }, 'None: every call is answered plainly.'));
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

  // fit shows the fields that the chosen effect has a use for.
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
