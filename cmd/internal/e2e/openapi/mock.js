// Prism, and a server in front of it that sees every request and answer.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const prism = fileURLToPath(new URL("node_modules/.bin/prism", import.meta.url));

// startPrism serves a document. It returns the URL, and stop.
async function startPrism(document) {
  const flags = ["mock", "--host", "127.0.0.1", "--port", "0", "--no-cors", "--no-multiprocess", document];
  const child = spawn(process.execPath, [prism, ...flags], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  const url = await new Promise((resolve, reject) => {
    const words = [];
    // Read to the end: Prism logs every request.
    createInterface({ input: child.stdout }).on("line", (line) => {
      words.push(line);
      const listening = line.match(/listening on (http:\S+)/);
      if (listening) resolve(listening[1]);
    });
    child.once("exit", () => reject(new Error(`Prism did not start:\n${words.join("\n")}`)));
  });
  return { url, stop };
}

// A Front is what the binary takes for Twilio. It passes requests on to Prism, with a Prefer header that says how Prism
// is to answer. It is also the HTTP proxy of the binary: whatever leaves for another host ends here.
export class Front {
  requests = []; // as "GET /v1/Services"
  problems = []; // requests that the document does not allow, or that were for another host
  prefer = () => ""; // (method, path) => the Prefer header; without one, Prism answers with the document's first example

  static async start(documentAt) {
    const front = new Front();
    front.server = createServer((incoming, reply) => front.pass(incoming, reply));
    front.server.on("connect", (incoming, socket) => {
      front.problems.push(`a connection to ${incoming.url}`);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    await once(front.server.listen(0, "127.0.0.1"), "listening");
    front.url = `http://127.0.0.1:${front.server.address().port}`;
    try {
      front.prism = await startPrism(documentAt(front.url));
    } catch (error) {
      front.server.close();
      throw error;
    }
    return front;
  }

  pass(incoming, reply) {
    const { method, url } = incoming;
    this.requests.push(`${method} ${url}`);
    if (!url.startsWith("/v1/Services")) { // the form for a proxy is a whole URL
      this.problems.push(`${method} ${url}`);
      reply.writeHead(400).end("{}");
      return;
    }
    const prefer = this.prefer(method, url);
    const headers = { ...incoming.headers, ...(prefer && { prefer }) };
    const onward = forward(this.prism.url + url, { method, headers }, (answer) => {
      const broken = JSON.parse(answer.headers["sl-violations"] ?? "[]").filter(({ location }) => location[0] === "request");
      if (answer.statusCode !== 200 || broken.length > 0) {
        this.problems.push(`${method} ${url}: Prism answers ${answer.statusCode} ${JSON.stringify(broken)}`);
      }
      reply.writeHead(answer.statusCode, answer.headers);
      answer.pipe(reply);
    });
    onward.on("error", (error) => {
      this.problems.push(`${method} ${url}: ${error.message}`);
      reply.destroy();
    });
    incoming.pipe(onward);
  }

  // reset forgets what was seen and what was preferred.
  reset() {
    [this.requests, this.problems] = [[], []];
    this.prefer = () => "";
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    await this.prism.stop();
  }
}
