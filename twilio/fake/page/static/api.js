// The page's client for the fake's control interface.

// ask makes one request. If it fails, it throws an Error with a message for people.
// The error's status is the HTTP status, if there was an answer.
export async function ask(path, method = 'GET', body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error('The fake does not answer.');
  }
  const text = await response.text();
  let value = null;
  try {
    value = text === '' ? null : JSON.parse(text);
  } catch {
    throw new Error(`The fake answered ${response.status}, but its answer is not JSON.`);
  }
  if (!response.ok) throw Object.assign(new Error(value?.error ?? `The fake answered ${response.status}.`), { status: response.status });
  return value;
}

// listen follows the event feed and never ends. Each connection begins with an event
// of type hello. Then the whole state must be read again.
export function listen(onEvent, onState) {
  const source = new EventSource('/_fake/events');
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.type === 'hello') onState('on');
    onEvent(event);
  };
  source.onerror = () => {
    onState('off');
    if (source.readyState !== EventSource.CLOSED) return; // the browser reconnects by itself
    source.close();
    setTimeout(() => listen(onEvent, onState), 2000);
  };
}

// coalesce returns a function that calls work after a short wait. Several calls in
// that time lead to one call of work. work never runs twice at the same time.
export function coalesce(work, wait) {
  let timer = null;
  let running = false;
  const run = async () => {
    timer = null;
    if (running) {
      timer = setTimeout(run, wait);
      return;
    }
    running = true;
    try {
      await work();
    } finally {
      running = false;
    }
  };
  return () => {
    timer ??= setTimeout(run, wait);
  };
}
