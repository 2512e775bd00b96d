package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/cmd/internal/logs"
	"twilio-proxy-mcp/tools"
)

// A second tool, which has nothing to do with sending. This is all that it takes.

type parcels struct {
	Grams []int  `json:"Grams" jsonschema_description:"The weight of each parcel."`
	Mood  string `json:"Mood,omitempty" jsonschema:"enum=fine,enum=heavy,enum=broken,enum=panic"`
}

type weight struct {
	Total    int  `json:"total"`
	Heaviest *int `json:"heaviest"`
}

func weighTools(_ *app, _ *Common, all *tools.Tools) error {
	return tools.Add(all, tools.Definition[parcels, weight]{
		Name: "weigh_parcels", Title: "Weigh parcels", Description: "Adds up weights.", Effect: tools.ReadsLocal,
		Run: func(_ context.Context, call *tools.Call, in parcels) (out weight, err error) {
			switch in.Mood {
			case "heavy":
				return out, &tools.Failure{Outcome: tools.Outcome{Code: tools.CodeNotAllowed}, Happened: "The parcels are too heavy.", Next: "Use a truck."}
			case "broken":
				return out, errors.New("a private word")
			case "panic":
				panic("a private word")
			}
			for _, grams := range in.Grams {
				out.Total += grams
			}
			call.Note("Weighed with care.")
			return out, nil
		},
	})
}

var twoTools = []toolSet{toolSets[0], {"find", false, weighTools}}

func TestASecondToolIsCalledOnEveryTransportAndRevision(t *testing.T) {
	onEachTransport(t, twoTools, func(t *testing.T, connect func() *served, _ bool) {
		for _, revision := range revisions {
			s := connect()
			s.initialize(revision, `{}`)
			s.send(`{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":` + meta(revision, `{}`) + `}}`)
			list := s.result(1)["tools"].([]any)
			require.Len(t, list, 2)
			require.Equal(t, "weigh_parcels", list[1].(map[string]any)["name"])
			require.Equal(t, map[string]any{"title": "Weigh parcels", "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false},
				list[1].(map[string]any)["annotations"])

			s.call(2, "weigh_parcels", `{"Grams":[1,2]}`, revision, `{}`, "")
			got := s.result(2)
			require.Equal(t, map[string]any{"total": 3.0, "heaviest": nil, "notice": "Weighed with care."}, got["structuredContent"])
			require.Equal(t, map[string]any{"code": "ok"}, outcome(got))
			require.Equal(t, "{\"total\":3,\"heaviest\":null}\nWeighed with care.", texts(got))

			for mood, want := range map[string][3]string{
				"heavy":  {"not_allowed", "The parcels are too heavy. Use a truck."},
				"broken": {"internal", "This server met an error it does not know. Tell the user."},
				"panic":  {"internal", "This server failed on a fault of its own; its log says more. Tell the user."},
				"other":  {"invalid_arguments", "The arguments are not valid:\n- Mood: must be one of fine heavy broken panic\nCorrect the arguments and call again."},
			} {
				s.call(3, "weigh_parcels", `{"Grams":[1],"Mood":"`+mood+`"}`, revision, `{}`, "")
				got := s.result(3)
				require.Equal(t, true, got["isError"], mood)
				require.Nil(t, got["structuredContent"])
				require.Equal(t, map[string]any{"code": want[0]}, outcome(got))
				require.Equal(t, want[1], texts(got))
			}
			for _, words := range []string{"tool=weigh_parcels outcome=ok replayed=false", "tool=weigh_parcels outcome=not_allowed", "panic in a tool", "tool=weigh_parcels outcome=internal"} {
				s.logged(words)
			}
			require.NotContains(t, s.log.String(), "private")
		}
	})
}

func TestASecondToolIsCounted(t *testing.T) {
	s := serveHTTP(t, twoTools)
	s.call(1, "weigh_parcels", `{"Grams":[1,2]}`, "2025-11-25", "", "")
	s.result(1)
	response, err := http.Get(strings.TrimSuffix(s.url, "/mcp") + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), `twilio_proxy_mcp_calls_total{outcome="ok",replayed="false",tool="weigh_parcels"} 1`)
	require.Contains(t, string(page), "twilio_proxy_mcp_calls_in_flight 0")
}

func TestASecondToolOnTheCommandLine(t *testing.T) {
	for name, tc := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"a list of numbers": {[]string{"call", "--backend", "fake", "weigh_parcels", "Grams=1", "Grams=20"}, 0, "{\n  \"total\": 21,\n  \"heaviest\": null\n}\n", "Weighed with care.\n"},
		"a JSON object":     {[]string{"call", "--backend", "fake", "weigh_parcels", `{"Grams":[1,20]}`}, 0, "{\n  \"total\": 21,\n  \"heaviest\": null\n}\n", "Weighed with care.\n"},
		"what does not fit": {[]string{"call", "--backend", "fake", "weigh_parcels", "Grams=heavy"}, 1, "", "Grams[0]: is string, must be integer"},
		"a table":           {[]string{"tools", "--markdown"}, 0, "| `weigh_parcels` | | Weigh parcels |\n|---|---|---|\n| `Grams` | required | The weight of each parcel. |\n| `Mood` | optional |  |\n", ""},
		"a text":            {[]string{"tools"}, 0, "weigh_parcels\n  Adds up weights.\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			require.Equal(t, tc.code, run(t.Context(), tc.args, program{strings.NewReader(""), &out, logs.New(&errs), twoTools}), errs.String())
			require.Contains(t, out.String(), tc.out)
			require.Contains(t, errs.String(), tc.err)
		})
	}
}
