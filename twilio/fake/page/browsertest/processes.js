// Runs the real binary, as the fake and as an MCP server over stdio.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const { BINARY, SCRATCH } = process.env;
const running = new Set();

function start(args, variables = {}) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TWILIO_')));
  const child = spawn(BINARY, args, {
    env: { ...env, XDG_STATE_HOME: `${SCRATCH}/state`, ...variables },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.log = '';
  child.stderr.on('data', (data) => { child.log += data; });
  running.add(child);
  child.on('exit', () => running.delete(child));
  return child;
}

export async function stop(child) {
  if (!running.has(child)) return;
  const gone = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 5000);
  await gone;
  clearTimeout(late);
}

export async function stopAll() {
  await Promise.all([...running].map(stop));
}

// A Fake is a running fake command. control calls its control interface, and api
// calls Twilio's API.
export class Fake {
  static async start(addr = '127.0.0.1:0') {
    const fake = new Fake();
    fake.child = start(['fake', '--addr', addr]);
    const lines = createInterface({ input: fake.child.stdout });
    fake.url = await new Promise((resolve, reject) => {
      lines.once('line', resolve);
      fake.child.once('exit', () => reject(new Error(`the fake did not start: ${fake.child.log}`)));
    });
    return fake;
  }

  async request(path, method, body, headers) {
    const response = await fetch(this.url + path, { method, body, headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  control(path, method = 'GET', body = undefined) {
    return this.request(`/_fake/${path}`, method, body === undefined ? undefined : JSON.stringify(body));
  }

  credentials = { Authorization: `Basic ${Buffer.from('ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:x').toString('base64')}` };

  // api calls the API like any client of Twilio.
  api(path, form) {
    return this.request(`/v1${path}`, form ? 'POST' : 'GET', form && new URLSearchParams(form), this.credentials);
  }
}

// A Server is the binary as an MCP host runs it. Its messages go to a fake.
export class Server {
  static async start(fake) {
    const server = new Server();
    server.next = 0;
    server.waiting = new Map();
    server.child = start(['stdio'], {
      TWILIO_PROXY_BASE_URL: fake.url,
      TWILIO_ACCOUNT_SID: 'ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      TWILIO_AUTH_TOKEN: 'x',
      TWILIO_PROXY_MCP_MAX_BODY_LENGTH: '0',
    });
    createInterface({ input: server.child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      server.waiting.get(message.id)?.(message);
    });
    await server.ask('initialize', {
      protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'browsertest', version: '1' },
    });
    server.write({ method: 'notifications/initialized' });
    return server;
  }

  write(message) {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  ask(method, params) {
    const id = ++this.next;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, resolve);
      if (!running.has(this.child)) reject(new Error(`the server has ended: ${this.child.log}`));
      this.write({ id, method, params });
    });
  }

  // send calls the tool and returns its result.
  async send(to, Body) {
    const { result, error } = await this.ask('tools/call', {
      name: 'send_message_interaction',
      arguments: { ServiceSid: to.service, SessionSid: to.session, ParticipantSid: to.participant, Body },
    });
    if (error) throw new Error(JSON.stringify(error));
    return result;
  }
}
