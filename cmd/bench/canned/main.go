// Command canned answers initialize and tools/list over stdio with fixed
// bytes: the least that starting an MCP server in Go can cost.
package main

import (
	"bufio"
	"bytes"
	"os"
)

const (
	initialized = `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"canned","version":"1"}}}` + "\n"
	tools       = `{"jsonrpc":"2.0","id":2,"result":{"tools":[{"name":"send_message_interaction","inputSchema":{"type":"object"}}]}}` + "\n"
)

func main() {
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return
		}
		switch {
		case bytes.Contains(line, []byte(`"initialize"`)):
			os.Stdout.WriteString(initialized)
		case bytes.Contains(line, []byte(`"tools/list"`)):
			os.Stdout.WriteString(tools)
		}
	}
}
