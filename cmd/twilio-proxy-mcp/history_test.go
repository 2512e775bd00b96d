package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools/ledger"
)

func TestTheTableShowsAccountsAndUpstreamsOnlyWhenTheyDiffer(t *testing.T) {
	one := ledger.Entry{ID: 1, State: ledger.Sent, Account: "AC1", Host: "twilio.com"}
	for name, tc := range map[string]struct {
		other ledger.Entry
		named bool
	}{
		"one account":   {ledger.Entry{ID: 2, Account: "AC1", Host: "twilio.com"}, false},
		"two accounts":  {ledger.Entry{ID: 2, Account: "AC2", Host: "twilio.com"}, true},
		"two upstreams": {ledger.Entry{ID: 2, Account: "AC1", Host: "loopback:80"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, printTable(&out, []ledger.Entry{one, tc.other}))
			for _, words := range []string{"ACCOUNT", "UPSTREAM", tc.other.Account, tc.other.Host} {
				require.Equal(t, tc.named, strings.Contains(out.String(), words), out.String())
			}
		})
	}
}
