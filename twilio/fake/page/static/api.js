// The fake's control interface, as far as the page uses it.

// ask makes one request. It throws an Error whose message is for people and
// whose status is the answer's, if there was one.
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
    throw new Error(`The fake answered ${response.status} with something else than JSON.`);
  }
  if (!response.ok) throw Object.assign(new Error(value?.error ?? `The fake answered ${response.status}.`), { status: response.status });
  return value;
}

// listen follows the event feed for good. Each connection begins with an event
// of type hello: what happened before it must be read anew.
export function listen(onEvent, onState) {
  const source = new EventSource('/_fake/events');
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.type === 'hello') onState('on');
    onEvent(event);
  };
  source.onerror = () => {
    onState('off');
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    source.close();
    setTimeout(() => listen(onEvent, onState), 2000);
  };
}

// coalesce returns a function that calls work soon, once for all the calls
// made meanwhile, and never twice at a time.
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
