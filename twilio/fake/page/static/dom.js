// Functions that make elements. All text is inserted as text and never parsed as
// markup. The page's policy forbids that, too.

export const byId = (id) => document.getElementById(id);

// el makes an element. A function as an attribute's value is an event listener.
// false and null leave an attribute out. Children are texts or nodes.
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const icons = {
  queued: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z', 'M8 5v3.2l2 1.3'],
  sent: ['M3 8.5 6.5 12 13 4.5'],
  delivered: ['M1 8.5 4.5 12 11 4.5', 'M7.5 11 8.5 12 15 4.5'],
  failed: ['M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z', 'M8 5v3.6', 'M8 11v.2'],
};

// icon draws the icon of a status. It returns null if the status has none.
export function icon(status) {
  const paths = icons[status === 'undelivered' || status === 'refused' ? 'failed' : status];
  if (!paths) return null;
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', 'tick');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths) {
    const path = document.createElementNS(space, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

// reconcile makes the children of parent match the items, in their order. A node is
// kept while its item has the same key and look, so that it does not lose the focus.
// It returns whether anything changed.
export function reconcile(parent, items, key, look, make) {
  const wanted = new Set(items.map((item) => String(key(item))));
  const present = new Map();
  let changed = false;
  for (const node of [...parent.children]) {
    if (wanted.has(node.dataset.key)) {
      present.set(node.dataset.key, node);
    } else {
      node.remove();
      changed = true;
    }
  }
  let at = parent.firstElementChild;
  for (const item of items) {
    const id = String(key(item));
    const shape = look(item);
    let node = present.get(id);
    if (!node || node.dataset.look !== shape) {
      const fresh = make(item);
      fresh.dataset.key = id;
      fresh.dataset.look = shape;
      if (node) {
        if (at === node) at = fresh;
        replace(node, fresh);
      }
      node = fresh;
      changed = true;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
  return changed;
}

function replace(node, fresh) {
  const focusable = 'a, button';
  const at = [...node.querySelectorAll(focusable)].indexOf(document.activeElement);
  node.replaceWith(fresh);
  if (at >= 0) [...fresh.querySelectorAll(focusable)].at(at)?.focus({ preventScroll: true });
}

// parsed returns the value of a JSON text, or null if it is not JSON.
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const cut = (text, length) => (text.length > length ? `${text.slice(0, length)}…` : text);

const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });

// timeOf returns the hour and minute of a time. If it is not today, it adds the date.
export function timeOf(date) {
  const at = new Date(date);
  const today = at.toDateString() === new Date().toDateString();
  return today ? clock.format(at) : `${calendar.format(at)}, ${clock.format(at)}`;
}
