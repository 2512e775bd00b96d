// The hosts: the API that each one speaks, and how to start it. start writes the
// host's configuration into an empty home, with one model and with MCP servers
// as mcp.json has them, and returns the arguments for node and the variables
// that the host needs. Whatever calls home is off: telemetry, updates, plugins.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { completions, gemini, responses } from "./apis.js";

const local = (path) => fileURLToPath(new URL(path, import.meta.url));
const key = "no-key"; // the hosts do not start without one

function write(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

// toml writes an object as dotted names. Strings, booleans and lists of them are the same as in JSON.
function toml(value, path) {
  if (typeof value !== "object" || Array.isArray(value)) return `${path} = ${JSON.stringify(value)}\n`;
  return Object.entries(value).map(([name, inner]) => toml(inner, path ? `${path}.${name}` : name)).join("");
}

function mastra(client) {
  return {
    api: completions,
    start(home, model, servers, prompt) {
      const config = { client, model: { id: "loopback/scripted", url: `${model}/v1`, apiKey: key }, servers, prompt };
      return {
        args: [local("mastra.js"), JSON.stringify(config)],
        env: { MASTRA_TELEMETRY_DISABLED: "1", MASTRA_OFFLINE: "1" },
      };
    },
  };
}

export const hosts = {
  "Codex CLI": {
    api: responses,
    start(home, model, servers, prompt) {
      const provider = { name: "loopback", base_url: `${model}/v1`, env_key: "LOOPBACK_KEY", wire_api: "responses" };
      const untyped = Object.entries(servers).map(([name, { type, ...server }]) => [name, server]); // it knows no type
      const config = {
        model: "scripted",
        model_provider: "loopback",
        model_providers: { loopback: provider },
        mcp_servers: Object.fromEntries(untyped),
        check_for_update_on_startup: false,
        analytics: { enabled: false },
        features: { plugins: false, apps: false },
        mcp_oauth_credentials_store: "file", // not the keyring of whoever runs this
      };
      const unasked = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"];
      write(`${home}/.codex/config.toml`, toml(config));
      return {
        args: [local("node_modules/.bin/codex"), "exec", "--strict-config", ...unasked, prompt],
        env: { LOOPBACK_KEY: key },
      };
    },
  },
  "Gemini CLI": {
    api: gemini,
    start(home, model, servers, prompt) {
      const config = {
        security: { auth: { selectedType: "gemini-api-key" } },
        mcpServers: servers,
        general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
      };
      const unasked = ["--skip-trust", "--approval-mode", "yolo"];
      write(`${home}/.gemini/settings.json`, JSON.stringify(config));
      return {
        args: [local("node_modules/.bin/gemini"), ...unasked, "--model", "gemini-2.5-flash", "--prompt", prompt],
        env: { GEMINI_API_KEY: key, GOOGLE_GEMINI_BASE_URL: model, GEMINI_CLI_NO_RELAUNCH: "true" },
      };
    },
  },
  Mastra: mastra("@mastra/mcp"),
  // The last version that shows the model nothing but the structured content.
  "Mastra 1.15": mastra("mastra-mcp-1.15"),
};
