package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/stretchr/testify/require"
)

// The statuses are those of revision 2026-07-28 ("Streamable HTTP", "Status Codes"). The id comes back whatever is in it.
func TestModernErrorsHaveTheirStatus(t *testing.T) {
	h := startHTTP(t, newFixture().server(), HTTP{})
	for _, id := range []string{`1`, `"a<b>&c"`} {
		for _, c := range []struct {
			method, name string
			code, status int
		}{
			{"tools/call", "echo", 0, http.StatusOK},
			{"tools/call", "panic", mcp.INTERNAL_ERROR, http.StatusOK},
			{"no/such", "", mcp.METHOD_NOT_FOUND, http.StatusNotFound},
			{"tools/call", "nobody", mcp.INVALID_PARAMS, http.StatusBadRequest},
		} {
			body := fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"method":%q,"params":{"name":%q,"arguments":{},%s}}`, id, c.method, c.name, modernMeta)
			header := map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": c.method, "Mcp-Name": c.name}
			got, err := h.do(http.MethodPost, "/mcp", body, header)
			require.NoError(t, err)
			require.Equal(t, c.status, got.status, "%s %s: %s", c.method, c.name, got.body)
			a := readAnswer(t, got.body)
			require.JSONEq(t, id, string(a.ID))
			if c.code == 0 {
				require.Nil(t, a.Error)
				continue
			}
			require.NotNil(t, a.Error, got.body)
			require.Equal(t, c.code, a.Error.Code)
		}
	}
}

// A tool may keep one value for every answer.
func TestAToolsOwnMetaIsNotWrittenTo(t *testing.T) {
	own := &mcp.Meta{AdditionalFields: map[string]any{"a": 1}}
	s := serverOf(func(context.Context, mcp.CallToolRequest) (*mcp.CallToolResult, error) {
		result := mcp.NewToolResultText("")
		result.Meta = own
		return result, nil
	}, "echo")
	h := startHTTP(t, s, HTTP{})
	body := `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{},` + modernMeta + `}}`
	header := map[string]string{"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "echo"}
	var calls sync.WaitGroup
	answers := make(chan reply, 2)
	for range 2 {
		calls.Go(func() {
			got, err := h.do(http.MethodPost, "/mcp", body, header)
			if err != nil {
				got.body = err.Error()
			}
			answers <- got
		})
	}
	calls.Wait()
	for range 2 {
		got := <-answers
		var a struct {
			Result struct {
				Meta map[string]any `json:"_meta"`
			}
		}
		require.NoError(t, json.Unmarshal([]byte(got.body), &a), got.body)
		require.Contains(t, a.Result.Meta, mcp.MetaKeyServerInfo)
		require.EqualValues(t, 1, a.Result.Meta["a"])
	}
	require.Equal(t, map[string]any{"a": 1}, own.AdditionalFields)
}
