package ledger_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twilio-proxy-mcp/tools/ledger"
)

func Example() {
	ctx := context.Background()
	sends := &ledger.Ledger{Memory: true}
	defer sends.Close()

	sid := func(prefix string) string { return prefix + strings.Repeat("a", 32) }
	message := ledger.Intent{
		Scope:   ledger.Scope{Account: sid("AC"), Host: "proxy.twilio.com"},
		Service: sid("KS"), Session: sid("KC"), Participant: sid("KP"),
		Content: []byte("Your table is ready."),
		Window:  10 * time.Minute,
	}
	for range 2 {
		decision, err := sends.Claim(ctx, message)
		if err != nil {
			fmt.Println(err) // nothing was granted: do not send
			return
		}
		switch decision.Verdict {
		case ledger.Granted:
			if err := decision.Claim.Stands(ctx); err != nil {
				fmt.Println(err) // do not send
				return
			}
			fmt.Println("granted, sending")
			err := decision.Claim.Settle(ctx, ledger.Settlement{State: ledger.Sent, Sid: sid("KI"), Receipt: []byte(`{"type":"Message"}`)})
			fmt.Println("settled, error:", err)
		case ledger.Replay:
			fmt.Println("already sent, the receipt:", string(decision.Entry.Receipt))
		}
	}
	// Output:
	// granted, sending
	// settled, error: <nil>
	// already sent, the receipt: {"type":"Message"}
}
