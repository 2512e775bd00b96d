package twilio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"twilio-proxy-mcp/schema"
	"twilio-proxy-mcp/twilio"
	"twilio-proxy-mcp/twilio/fake"
)

func ExampleClient_CreateMessageInteraction() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, `{"code":20404,"message":"The requested resource was not found","status":404}`)
	}))
	defer server.Close()

	client := &twilio.Client{BaseURL: server.URL, Username: "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Password: "secret"}
	defer client.Close()
	created, err := client.CreateMessageInteraction(context.Background(), schema.CreateMessageInteraction{
		ServiceSid:     schema.MustSid[schema.KS]("KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		SessionSid:     schema.MustSid[schema.KC]("KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		ParticipantSid: schema.MustSid[schema.KP]("KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		Body:           "some message",
	}, nil)

	var unknown *twilio.OutcomeUnknownError
	switch {
	case err == nil:
		fmt.Println("sent", created.Interaction.Sid)
	case errors.As(err, &unknown):
		fmt.Println("look before sending again:", err)
	default:
		fmt.Println(err)
	}
	// Output:
	// Twilio refused the request (HTTP 404, code 20404: "The requested resource was not found"); nothing was sent
}

// A Session is asked for by its unique name, which takes one request, and looked for in the list only if that finds none.
func ExampleClient_FetchSession() {
	f := fake.New(fake.Config{})
	defer f.Close()
	server := httptest.NewServer(f)
	defer server.Close()
	client := &twilio.Client{BaseURL: server.URL, Username: fake.AccountSid, Password: "secret", RateLimit: 30}
	defer client.Close()
	err := f.Seed([]byte(`{"services": [{"sid": "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "unique_name": "taxis", "sessions": [
		{"sid": "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "unique_name": "order 1233"},
		{"sid": "KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "unique_name": "order 1234"}]}]}`))
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx, service := context.Background(), schema.MustSid[schema.KS]("KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	session, _, err := client.FetchSession(ctx, service, "order 1234")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*session.Sid)

	_, _, err = client.FetchSession(ctx, service, "Order 1234")
	refused, isAnswer := errors.AsType[*twilio.Error](err)
	fmt.Println(isAnswer && refused.Status == http.StatusNotFound)
	for page, err := range client.ListSessions(ctx, service, twilio.Paging{PageSize: 100}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, session := range page.Items {
			fmt.Println(*session.Sid, *session.UniqueName)
		}
	}
	// Output:
	// KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
	// true
	// KCbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb order 1234
	// KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa order 1233
}
