package schema

// hostArguments are arguments that hosts add to the calls of every tool, for
// themselves. They are keyed by name, and the value says whose an argument is and
// how that is known. They mean nothing to a tool, and a refusal would only make the
// model send them again. So they are dropped, unless the schema has an argument of
// that name. Every other unknown argument is refused.
var hostArguments = map[string]string{
	"wait_for_previous": "Gemini CLI adds it to the schema of every tool, and sends it on to the server: " +
		"https://github.com/google-gemini/gemini-cli packages/core/src/tools/tools.ts (addWaitForPreviousParameter)",
	"task_progress": "Cline 3 tells its model to put it into every call: https://github.com/cline/cline/issues/10426",
	"toolCallId":    "n8n's MCP Client Tool before 2.2.5 adds it to every call: https://github.com/n8n-io/n8n/issues/21716",
}
