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
