package ledger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twilio-proxy-mcp/tools/ledger"
)

// A message is claimed, sent and settled. When it comes again, the ledger has the receipt.
func Example() {
	ctx := context.Background()
	l := &ledger.Ledger{Memory: true}
	defer l.Close()
	intent := ledger.Intent{
		Scope:       ledger.Scope{Account: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Host: "fake"},
		Service:     "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Session:     "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Participant: "KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Content:     []byte("Your driver is here."),
		Window:      2 * time.Minute,
	}
	for range 2 {
		decision, err := l.Claim(ctx, intent)
		switch {
		case err != nil:
			fmt.Println(err)
		case decision.Verdict == ledger.Granted:
			fmt.Println("send it")
			receipt := json.RawMessage(`{"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}`)
			if err := decision.Claim.Settle(ctx, ledger.Settlement{State: ledger.Sent, Receipt: receipt}); err != nil {
				fmt.Println(err)
			}
		case decision.Verdict == ledger.Replay:
			fmt.Println("sent before:", string(decision.Entry.Receipt))
		}
	}
	// Output:
	// send it
	// sent before: {"sid":"KIaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
}
