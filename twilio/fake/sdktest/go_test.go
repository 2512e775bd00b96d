package sdktest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	twilio "github.com/twilio/twilio-go"
	"github.com/twilio/twilio-go/client"
	proxy "github.com/twilio/twilio-go/rest/proxy/v1"

	"twilio-proxy-mcp/twilio/fake"
)

// toFake sends requests for proxy.twilio.com to the fake. The library has no
// setting for the address.
type toFake struct{ host string }

func (to toFake) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = "http", to.host, ""
	return http.DefaultTransport.RoundTrip(r)
}

func startFake(t *testing.T) (*fake.Fake, string) {
	f := fake.New(fake.Config{Credentials: []fake.Credential{{Username: fake.AccountSid, Password: "token"}}})
	ts := httptest.NewServer(f)
	t.Cleanup(func() {
		require.NoError(t, f.Close())
		ts.Close()
	})
	return f, ts.URL
}

func newClient(t *testing.T, password string) (*fake.Fake, *proxy.ApiService) {
	f, address := startFake(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	base := &client.Client{
		Credentials: client.NewCredentials(fake.AccountSid, password),
		HTTPClient:  &http.Client{Transport: toFake{u.Host}, Timeout: 10 * time.Second},
	}
	base.SetAccountSid(fake.AccountSid)
	return f, twilio.NewRestClientWithParams(twilio.ClientParams{Client: base}).ProxyV1
}

func TestTwilioGo(t *testing.T) {
	f, api := newClient(t, "token")

	service, err := api.CreateService(new(proxy.CreateServiceParams).SetUniqueName("shop").SetDefaultTtl(60))
	require.NoError(t, err)
	ks := *service.Sid
	require.Equal(t, 60, service.DefaultTtl)
	service, err = api.UpdateService(ks, new(proxy.UpdateServiceParams).SetGeoMatchLevel("area-code").SetCallbackUrl("http://127.0.0.1:1/"))
	require.NoError(t, err)
	require.Equal(t, "area-code", *service.GeoMatchLevel)
	service, err = api.FetchService("shop")
	require.NoError(t, err)
	require.Equal(t, ks, *service.Sid)
	services, err := api.ListService(nil)
	require.NoError(t, err)
	require.Len(t, services, 2)

	number, err := api.CreatePhoneNumber(ks, new(proxy.CreatePhoneNumberParams).SetPhoneNumber("+15550109997"))
	require.NoError(t, err)
	pn := *number.Sid
	number, err = api.UpdatePhoneNumber(ks, pn, new(proxy.UpdatePhoneNumberParams).SetIsReserved(true))
	require.NoError(t, err)
	require.True(t, *number.IsReserved)
	number, err = api.FetchPhoneNumber(ks, pn)
	require.NoError(t, err)
	require.True(t, number.Capabilities.Sms)
	numbers, err := api.ListPhoneNumber(ks, nil)
	require.NoError(t, err)
	require.Len(t, numbers, 1)

	session, err := api.CreateSession(ks, new(proxy.CreateSessionParams).SetUniqueName("Order #1").SetMode("message-only").
		SetDateExpiry(time.Now().Add(time.Hour)).
		SetParticipants([]interface{}{map[string]string{"Identifier": "+15550100001", "ProxyIdentifier": "+15550109997"}}))
	require.NoError(t, err)
	kc := *session.Sid
	session, err = api.FetchSession(ks, kc)
	require.NoError(t, err)
	require.Equal(t, "message-only", *session.Mode)
	sessions, err := api.ListSession(ks, nil)
	require.NoError(t, err)
	require.Len(t, sessions, 1)

	participant, err := api.CreateParticipant(ks, kc, new(proxy.CreateParticipantParams).SetIdentifier("+15550100002").SetProxyIdentifierSid(pn))
	require.NoError(t, err)
	kp := *participant.Sid
	participant, err = api.FetchParticipant(ks, kc, kp)
	require.NoError(t, err)
	require.Equal(t, "+15550109997", *participant.ProxyIdentifier)
	participants, err := api.ListParticipant(ks, kc, nil)
	require.NoError(t, err)
	require.Len(t, participants, 2)

	for i := range 5 {
		message, err := api.CreateMessageInteraction(ks, kc, kp, new(proxy.CreateMessageInteractionParams).
			SetBody(fmt.Sprint("message ", i)).SetMediaUrl([]string{"https://example.com/a", "https://example.com/b"}))
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf(`{"body":"message %d","media_url":["https://example.com/a","https://example.com/b"]}`, i), *message.Data)
		require.Nil(t, message.InboundResourceStatus)
		read, err := api.FetchMessageInteraction(ks, kc, kp, *message.Sid)
		require.NoError(t, err)
		require.Equal(t, message, read)
	}
	require.Equal(t, 5, f.Accepted())
	messages, err := api.ListMessageInteraction(ks, kc, kp, new(proxy.ListMessageInteractionParams).SetPageSize(2))
	require.NoError(t, err)
	require.Len(t, messages, 5, "three pages")
	interactions, err := api.ListInteraction(ks, kc, new(proxy.ListInteractionParams).SetPageSize(2).SetLimit(3))
	require.NoError(t, err)
	require.Len(t, interactions, 3)
	interaction, err := api.FetchInteraction(ks, kc, *interactions[0].Sid)
	require.NoError(t, err)
	require.Contains(t, *interaction.Data, "message 4", "newest first")

	require.NoError(t, api.DeleteInteraction(ks, kc, *interaction.Sid))
	require.NoError(t, api.DeleteParticipant(ks, kc, kp))
	session, err = api.UpdateSession(ks, kc, new(proxy.UpdateSessionParams).SetStatus("closed"))
	require.NoError(t, err)
	require.Equal(t, "closed", *session.Status)
	require.NoError(t, api.DeleteSession(ks, kc))
	require.NoError(t, api.DeletePhoneNumber(ks, pn))
	require.NoError(t, api.DeleteService(ks))
	requireEveryOperation(t, f)
}

// requireEveryOperation checks that all 25 operations succeeded at least once.
func requireEveryOperation(t *testing.T, f *fake.Fake) {
	t.Helper()
	asked := map[string]bool{}
	for _, r := range f.Requests() {
		if r.Status/100 == 2 {
			asked[r.Operation] = true
		}
	}
	require.Len(t, asked, 25, "%v", asked)
}

func TestTwilioGoErrors(t *testing.T) {
	f, api := newClient(t, "token")
	_, err := api.FetchService("KS71")
	requireRestError(t, err, 404, 20404)
	_, err = api.CreateMessageInteraction(fake.ServiceSid, fake.SessionSid, fake.ParticipantSid, nil)
	requireRestError(t, err, 400, 80701)
	require.NoError(t, f.Arm(fake.Fault{Operation: "DeleteSession", Effect: fake.EffectStatus, Status: 429, Code: 20429}))
	requireRestError(t, api.DeleteSession(fake.ServiceSid, fake.SessionSid), 429, 20429)
	_, denied := newClient(t, "wrong")
	_, err = denied.ListService(nil)
	requireRestError(t, err, 401, 20003)
}

func requireRestError(t *testing.T, err error, status, code int) {
	t.Helper()
	var rest *client.TwilioRestError
	require.ErrorAs(t, err, &rest)
	require.Equal(t, status, rest.Status)
	require.Equal(t, code, rest.Code)
	require.NotEmpty(t, rest.Message)
	require.NotEmpty(t, rest.MoreInfo)
}

// The library reads on when a page has fewer records than it asked for.
func TestTwilioGoReadsListsOfManyPages(t *testing.T) {
	_, api := newClient(t, "token")
	const ks, kc, kp = fake.ServiceSid, fake.SessionSid, fake.ParticipantSid
	for range 201 {
		_, err := api.CreateMessageInteraction(ks, kc, kp, new(proxy.CreateMessageInteractionParams).SetBody("hello"))
		require.NoError(t, err)
	}
	page, err := api.PageInteraction(ks, kc, new(proxy.ListInteractionParams).SetPageSize(1000), "", "")
	require.NoError(t, err)
	require.Len(t, page.Interactions, 100)
	all, err := api.ListInteraction(ks, kc, new(proxy.ListInteractionParams).SetPageSize(1000))
	require.NoError(t, err)
	require.Len(t, all, 201)
}
