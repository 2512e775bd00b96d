package fake_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"twilio-proxy-mcp/twilio/fake"
)

func Example() {
	f := fake.New(fake.Config{})
	defer f.Close()
	server := httptest.NewServer(f)
	defer server.Close()

	form := url.Values{"Body": {"some message"}}
	r, _ := http.NewRequest("POST", server.URL+"/v1/Services/"+fake.ServiceSid+"/Sessions/"+fake.SessionSid+
		"/Participants/"+fake.ParticipantSid+"/MessageInteractions", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(fake.AccountSid, "any token")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer.Body.Close()
	fmt.Println(answer.StatusCode, "with", f.Accepted(), "message accepted")

	_ = f.Arm(fake.Fault{Operation: "CreateMessageInteraction", Effect: fake.EffectDropAfter, Times: 3})
	fmt.Println(len(f.Faults()), "fault armed")
	// Output:
	// 200 with 1 message accepted
	// 1 fault armed
}
