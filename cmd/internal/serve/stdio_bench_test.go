package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
	"github.com/stretchr/testify/require"
)

const benchServerVariable = "SERVE_BENCHMARK_SERVER"

// benchServers are what the benchmarks run in a process of its own, over real pipes: mcp-go's server with as many
// workers as it allows, ours, and ours with a tool that takes 50 ms.
func benchServers() map[string]stdioServe {
	own := func(upstream time.Duration) *server.MCPServer {
		s := server.NewMCPServer("bench", "1")
		s.AddTool(mcp.NewTool("echo"), func(_ context.Context, r mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			time.Sleep(upstream)
			var arguments map[string]any
			answer := mcp.NewToolResultText("sent")
			answer.Meta = &mcp.Meta{AdditionalFields: map[string]any{"fixture/outcome": "ok"}}
			return answer, json.Unmarshal(r.Params.RawArguments, &arguments)
		})
		return s
	}
	return map[string]stdioServe{
		"mcp-go": func(ctx context.Context, in io.Reader, out io.Writer) error {
			s := server.NewStdioServer(own(0))
			server.WithWorkerPoolSize(100)(s)
			return s.Listen(ctx, in, out)
		},
		"ours": (&Server{MCP: own(0)}).Stdio,
		"slow": (&Server{MCP: own(50 * time.Millisecond)}).Stdio,
	}
}

func startProcess(b *testing.B, name string) (in io.WriteCloser, out *bufio.Reader, cmd *exec.Cmd) {
	self, err := os.Executable()
	require.NoError(b, err)
	cmd = exec.Command(self)
	cmd.Env = append(cleanEnvironment(), benchServerVariable+"="+name)
	cmd.Stderr = os.Stderr
	in, err = cmd.StdinPipe()
	require.NoError(b, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, cmd.Start())
	return in, bufio.NewReaderSize(stdout, 1<<16), cmd
}

func benchLine(id int) []byte {
	return fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"echo","arguments":{"ServiceSid":"KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","SessionSid":"KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","ParticipantSid":"KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Body":"some message"}}}`+"\n", id)
}

// BenchmarkStdio reports calls a second and the server's CPU time a call.
func BenchmarkStdio(b *testing.B) {
	for _, inFlight := range []int{1, 64} {
		for _, name := range []string{"mcp-go", "ours"} {
			b.Run(fmt.Sprintf("%s/%d", name, inFlight), func(b *testing.B) {
				in, out, cmd := startProcess(b, name)
				b.ResetTimer()
				for id := range b.N {
					if id >= inFlight {
						_, err := out.ReadSlice('\n')
						require.NoError(b, err)
					}
					_, err := in.Write(benchLine(id))
					require.NoError(b, err)
				}
				for range min(inFlight, b.N) {
					_, err := out.ReadSlice('\n')
					require.NoError(b, err)
				}
				b.StopTimer()
				require.NoError(b, in.Close())
				require.NoError(b, cmd.Wait())
				cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
				b.ReportMetric(float64(cpu.Microseconds())/float64(b.N), "server-µs/op")
			})
		}
	}
}

// BenchmarkStdioPing reports how long a ping takes while 400 calls at once wait for their upstream and finish.
func BenchmarkStdioPing(b *testing.B) {
	var took []time.Duration
	for range b.N {
		in, out, cmd := startProcess(b, "slow")
		_, err := in.Write([]byte(`{"jsonrpc":"2.0","id":0,"method":"ping"}` + "\n"))
		require.NoError(b, err)
		_, err = out.ReadSlice('\n') // it is up
		require.NoError(b, err)
		var burst bytes.Buffer
		for id := range 400 {
			burst.Write(benchLine(1000 + id))
		}
		sent := make([]time.Time, 100)
		writing := make(chan struct{})
		go func() {
			defer close(writing)
			_, _ = in.Write(burst.Bytes())
			for id := range sent {
				sent[id] = time.Now()
				_, _ = in.Write(fmt.Appendf(nil, `{"jsonrpc":"2.0","id":%d,"method":"ping"}`+"\n", id))
				time.Sleep(time.Millisecond)
			}
		}()
		arrived := make([]time.Time, 100)
		for range 500 {
			line, err := out.ReadSlice('\n')
			require.NoError(b, err)
			digits, _, _ := bytes.Cut(line[len(`{"jsonrpc":"2.0","id":`):], []byte(","))
			id, err := strconv.Atoi(string(digits))
			require.NoError(b, err)
			if id < 1000 {
				arrived[id] = time.Now()
			}
		}
		<-writing
		for id := range sent {
			took = append(took, arrived[id].Sub(sent[id]))
		}
		require.NoError(b, in.Close())
		require.NoError(b, cmd.Wait())
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
