// Package post sends a message with net/http, which keeps its connections, and nothing else.
package post

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// The SIDs and the token of every message of the benchmark.
const (
	AccountSid     = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ServiceSid     = "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	SessionSid     = "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	ParticipantSid = "KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	Token          = "x"
	Path           = "/v1/Services/" + ServiceSid + "/Sessions/" + SessionSid + "/Participants/" + ParticipantSid + "/MessageInteractions"
)

// Client posts to one base URL.
type Client struct {
	url  string
	http http.Client
}

// New returns a client that keeps up to conns connections.
func New(baseURL string, conns int) *Client {
	return &Client{baseURL + Path, http.Client{Transport: &http.Transport{
		MaxIdleConns: conns, MaxIdleConnsPerHost: conns, DisableCompression: true,
	}}}
}

// Send posts one message and returns the body of the answer.
func (c *Client) Send(body string) ([]byte, error) {
	form := url.Values{"Body": {body}}
	request, err := http.NewRequest(http.MethodPost, c.url, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.SetBasicAuth(AccountSid, Token)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", response.StatusCode)
	}
	return answer, err
}
