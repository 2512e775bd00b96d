// The model APIs that the hosts speak, reduced to what the script needs:
//   path    how the requests that ask the model for its next turn end
//   tools   the tools that a request offers, as [{name, parameters, ...}]
//   result  the text of the tool result that a request ends with, or ""
//   call    the answer that calls a tool
//   say     the answer that ends the turn
const events = (list) => list.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
const textOf = (content) => (typeof content === "string" ? content : content.map((part) => part.text).join("\n"));

const response = (item) =>
  events([
    { type: "response.created", response: { id: "response" } },
    { type: "response.output_item.done", output_index: 0, item },
    {
      type: "response.completed",
      response: { id: "response", output: [item], usage: { input_tokens: 1, output_tokens: 1, total_tokens: 2 } },
    },
  ]);

// OpenAI's Responses API, as server-sent events.
export const responses = {
  path: "/responses",
  // A server's tools are in a namespace of its name, which a call repeats.
  tools: (body) => body.tools.flatMap((tool) => tool.tools?.map((one) => ({ ...one, namespace: tool.name })) ?? tool),
  result: (body) => {
    const last = body.input.at(-1);
    return last.type === "function_call_output" ? textOf(last.output) : "";
  },
  call: ({ name, namespace }, args, id) =>
    response({ type: "function_call", id: `item-${id}`, call_id: id, name, namespace, arguments: JSON.stringify(args) }),
  say: (text) => response({ type: "message", role: "assistant", id: "message", content: [{ type: "output_text", text }] }),
};

const candidate = (part) =>
  events([
    {
      candidates: [{ content: { role: "model", parts: [part] }, finishReason: "STOP", index: 0 }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 },
    },
  ]);

// Google's Gemini API, as server-sent events.
export const gemini = {
  path: ":streamGenerateContent?alt=sse",
  tools: (body) =>
    body.tools.flatMap((tool) => tool.functionDeclarations).map((one) => ({ ...one, parameters: one.parametersJsonSchema })),
  result: (body) => {
    const answers = body.contents.at(-1).parts.filter((part) => part.functionResponse);
    return answers.map((part) => Object.values(part.functionResponse.response).join("\n")).join("\n");
  },
  call: ({ name }, args, id) => candidate({ functionCall: { id, name, args } }),
  say: (text) => candidate({ text }),
};

const choice = (message, finish_reason) =>
  JSON.stringify({
    ...{ id: "completion", object: "chat.completion", created: 0, model: "scripted" },
    choices: [{ index: 0, message: { role: "assistant", content: null, ...message }, finish_reason }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });

// OpenAI's Chat Completions API, which many other providers copy, as plain JSON.
export const completions = {
  path: "/chat/completions",
  tools: (body) => body.tools.map((tool) => tool.function),
  result: (body) => {
    const last = body.messages.at(-1);
    return last.role === "tool" ? textOf(last.content) : "";
  },
  call: ({ name }, args, id) =>
    choice({ tool_calls: [{ id, type: "function", function: { name, arguments: JSON.stringify(args) } }] }, "tool_calls"),
  say: (content) => choice({ content }, "stop"),
};
