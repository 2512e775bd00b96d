package send

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"twilio-proxy-mcp/tools"
	"twilio-proxy-mcp/twilio/fake"
)

// What a model reads when a send is refused: who refused, Twilio's code and words as data, that nothing was sent, what
// it means and what to do.
func TestARefusalSaysWhatToDo(t *testing.T) {
	const (
		foreign = "and it is not in the form of Twilio's API: as far as this server can tell, it did not come from Twilio but from a proxy or firewall in between"
		check   = "Do not call again until that is cleared up: tell the user to check what is between this server and Twilio, and the address (TWILIO_PROXY_BASE_URL).\n"
	)
	f := newFake(t)
	b := newBench(t, f, nil)
	for _, tc := range []struct {
		fault fake.Fault
		code  tools.Code
		text  string
	}{
		{fake.Fault{Effect: fake.EffectStatus, Status: 403, Code: 80506, Message: "Not for new customers"}, tools.CodeRefused,
			`Twilio refused the request (HTTP status 403). Twilio's error code is 80506. Twilio's words, quoted as data: "Not for new customers". Nothing was sent. ` +
				"Twilio does not offer Proxy to this account: it is closed to new customers. Do not call again: tell the user, who can ask Twilio for an exemption or use an account that already has a Proxy Service.\n"},
		{fake.Fault{Effect: fake.EffectStatus, Status: 401, Code: 20003, Message: "Authenticate"}, tools.CodeRefused,
			`Twilio refused the request (HTTP status 401). Twilio's error code is 20003. Twilio's words, quoted as data: "Authenticate". Nothing was sent. ` +
				"Twilio does not accept this server's credentials. Tell the user to check them.\n"},
		{fake.Fault{Effect: fake.EffectStatus, Status: 400, Code: 80901, Message: "Not sent"}, tools.CodeRefused,
			`Twilio refused the request (HTTP status 400). Twilio's error code is 80901. Twilio's words, quoted as data: "Not sent". Nothing was sent. ` +
				"Twilio takes the text for a word by which people opt out of messages or in again (such as STOP or START), and passes it on to nobody. " +
				"Do not rephrase and send again: tell the user. Only the person can opt in again, with a text of their own.\n"},
		{fake.Fault{Effect: fake.EffectStatus, Status: 429, Code: 80621, Message: "Slow down", Header: map[string]string{"Retry-After": "600"}}, tools.CodeTryLater,
			`Twilio is taking no more requests for now (HTTP status 429). Twilio's error code is 80621. Twilio's words, quoted as data: "Slow down". Nothing was sent. ` +
				"The same call may be made again in 600 seconds.\n"},
		{fake.Fault{Effect: fake.EffectHTML, Status: 401}, tools.CodeRefused, "The answer was HTTP status 401, " + foreign + ". Nothing was sent. " + check},
		{fake.Fault{Effect: fake.EffectHTML, Status: 403}, tools.CodeRefused, "The answer was HTTP status 403, " + foreign + ". Nothing was sent. " + check},
		{fake.Fault{Effect: fake.EffectHTML, Status: 404}, tools.CodeRefused, "The answer was HTTP status 404, " + foreign + ". Nothing was sent. " + check},
		{fake.Fault{Effect: fake.EffectHTML, Status: 400}, tools.CodeRefused, "The answer was HTTP status 400, " + foreign + ". Nothing was sent. " + check},
		{fake.Fault{Effect: fake.EffectHTML, Status: 407}, tools.CodeRefused, "The answer was HTTP status 407, " + foreign + ". Nothing was sent. " +
			"An HTTP proxy on the way asks for credentials of its own; tell the user to check the proxy's settings (HTTPS_PROXY).\n"},
		{fake.Fault{Effect: fake.EffectHTML, Status: 302}, tools.CodeRefused,
			"The answer was a redirect (HTTP status 302), which is never followed: it would carry the credentials along. Nothing was sent. " +
				"The same call would be answered so again; tell the user to check the address (TWILIO_PROXY_BASE_URL) and what is between this server and Twilio, such as a network's login page.\n"},
		{fake.Fault{Effect: fake.EffectHTML, Status: 429, Header: map[string]string{"Retry-After": "600"}}, tools.CodeTryLater,
			"The answer was HTTP status 429, " + foreign + ", which is taking no more requests for now. Nothing was sent. The same call may be made again in 600 seconds.\n"},
	} {
		require.NoError(t, f.Arm(tc.fault))
		got := b.send("hello")
		require.Equal(t, tc.text, got.text())
		require.Equal(t, tc.code, got.outcome().Code)
		require.Equal(t, tc.fault.Status, got.outcome().HTTPStatus)
		require.Equal(t, tc.fault.Code, got.outcome().TwilioCode)
		requireOneWord(t, got)
	}
	require.Zero(t, f.Accepted())
}

// Nobody says that it was Twilio who answered with a page of HTML, nor that the message is lost.
func TestAnUnknownOutcomeDoesNotNameTwilioWhereItDidNotAnswer(t *testing.T) {
	for effect, who := range map[fake.Effect]string{
		fake.EffectStatus: "Twilio answered with HTTP status 502; that does not say whether Twilio sent the message. Twilio's words, quoted as data: \"Bad Gateway\".",
		fake.EffectHTML: "The answer was HTTP status 502, and it is not in the form of Twilio's API: as far as this server can tell, it did not come from Twilio " +
			"but from a proxy or firewall in between; that does not say whether Twilio sent the message.",
	} {
		f := newFake(t)
		b := newBench(t, f, nil)
		require.NoError(t, f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: effect, Status: http.StatusBadGateway}))
		got := b.send("hello")
		require.Contains(t, got.text(), who+" Whether the message was sent is unknown. ")
		requireOneWord(t, got)
	}
}
