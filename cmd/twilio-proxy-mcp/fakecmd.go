package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"twilio-proxy-mcp/cmd/internal/config"
	"twilio-proxy-mcp/cmd/internal/guard"
	"twilio-proxy-mcp/twilio/fake"
	"twilio-proxy-mcp/twilio/fake/page"
)

type fakeCmd struct {
	Addr           string        `default:"127.0.0.1:4010" help:"Address to listen on; port 0 picks a free one. An address that is not loopback needs --credential-file and --allowed-hosts."`
	State          string        `type:"path" placeholder:"FILE" help:"File that keeps records, messages and the clock across restarts."`
	Seed           string        `type:"path" placeholder:"FILE" help:"JSON file with the initial records, instead of the documentation's example; see go doc twilio-proxy-mcp/twilio/fake."`
	CredentialFile string        `type:"path" placeholder:"FILE" help:"File of accepted credentials, one USERNAME:PASSWORD per line. Without it, all are accepted."`
	EnforceLimit   bool          `help:"Answer 429 above 30 requests per second to one Service, as Twilio does."`
	QueuedFor      time.Duration `default:"0s" help:"How long a new message has the status queued."`
	SentFor        time.Duration `default:"2s" help:"How long it then has the status sent, before delivered."`
	MaxPageSize    int           `default:"100" help:"Most records on a page of a list, 1 to 1000. Twilio documents at most 100, whatever PageSize asks for."`
	AllowedOrigins []string      `placeholder:"ORIGIN" help:"Origins of web pages that may call; the fake's own page always may."`
	AllowedHosts   []string      `placeholder:"HOST" help:"Host names by which clients call the fake; the loopback names by default."`
}

// fakeMethods are the methods of the Proxy API and of the fake's control interface.
var fakeMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}

// Run serves the fake until a signal comes. The first line on stdout is the
// base URL.
func (cmd *fakeCmd) Run(ctx context.Context, c *Common, s program) error {
	log := c.logger(s)
	guards := guard.Guards{SameOrigin: true, Origins: cmd.AllowedOrigins, Methods: fakeMethods, Hosts: cmd.AllowedHosts,
		OriginSetting: originSetting, HostSetting: hostSetting, Log: &guard.RefusalLog{Log: log}}
	if err := guards.CheckNames(); err != nil {
		return usageError{fmt.Errorf("%w (see --allowed-origins and --allowed-hosts)", err)}
	}
	listener, err := cmd.listen() // first, because open makes files
	if err != nil {
		return err
	}
	f, err := cmd.open(log)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: guards.Origin(guards.Host(guards.Encoding(f))), ReadHeaderTimeout: 10 * time.Second, DisableGeneralOptionsHandler: true}
	context.AfterFunc(ctx, func() { server.Close() })
	defer printURL(s, "http://"+listener.Addr().String())()
	fmt.Fprintln(s.err, "This is a fake of the Twilio Proxy API: nobody is texted. Open the URL to see its page, or use it as the base URL of a client.")
	err = server.Serve(listener)
	closed := f.Close()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, closed)
}

// listen refuses an address that other machines can reach, unless flags say who
// may call and by which host names. The control interface is never open to them.
func (cmd *fakeCmd) listen() (net.Listener, error) {
	addr, err := net.ResolveTCPAddr("tcp", cmd.Addr)
	if err != nil {
		return nil, usageError{fmt.Errorf("--addr: %w", err)}
	}
	if !addr.IP.IsLoopback() && (cmd.CredentialFile == "" || len(cmd.AllowedHosts) == 0) {
		return nil, usageError{fmt.Errorf("%w: %s can be reached from other machines: set --credential-file (who may call) "+
			"and --allowed-hosts (the host names they use), or listen on a loopback address such as 127.0.0.1", guard.ErrOpen, addr)}
	}
	return net.ListenTCP("tcp", addr)
}

func (cmd *fakeCmd) open(log *slog.Logger) (*fake.Fake, error) {
	if cmd.MaxPageSize < 1 || cmd.MaxPageSize > 1000 {
		return nil, usageError{fmt.Errorf("--max-page-size must be from 1 to 1000, and is %d", cmd.MaxPageSize)}
	}
	accepted, err := cmd.credentials()
	if err != nil {
		return nil, err
	}
	sentFor := cmd.SentFor
	if sentFor == 0 {
		sentFor = -1 // deliver at once; 0 would mean the fake's default
	}
	f := fake.New(fake.Config{Credentials: accepted, QueuedFor: cmd.QueuedFor, SentFor: sentFor,
		RateLimit: cmd.EnforceLimit, MaxPageSize: cmd.MaxPageSize, Log: log, Page: page.Handler()})
	if cmd.Seed != "" {
		seed, err := os.ReadFile(cmd.Seed)
		if err == nil {
			err = f.Seed(seed)
		}
		if err != nil {
			return nil, usageError{fmt.Errorf("--seed: %w", errors.Join(err, f.Close()))}
		}
	}
	if info, err := os.Stat(cmd.State); err == nil && info.IsDir() {
		return nil, usageError{errors.Join(errors.New("--state: this is a directory; name a file"), f.Close())}
	}
	if cmd.State != "" {
		if err := f.OpenState(cmd.State); err != nil {
			return nil, fmt.Errorf("--state: %w", errors.Join(err, f.Close()))
		}
	}
	return f, nil
}

func (cmd *fakeCmd) credentials() ([]fake.Credential, error) {
	if cmd.CredentialFile == "" {
		return nil, nil
	}
	lines, err := config.ReadWords(cmd.CredentialFile)
	if err != nil {
		return nil, usageError{fmt.Errorf("--credential-file: %w", err)}
	}
	var accepted []fake.Credential
	for _, line := range lines {
		username, password, ok := strings.Cut(line, ":")
		if !ok || username == "" || password == "" {
			return nil, usageError{errors.New("--credential-file: a line is not USERNAME:PASSWORD")}
		}
		for _, half := range []string{username, password} {
			if _, err := config.Value(half); err != nil {
				return nil, usageError{fmt.Errorf("--credential-file: %w", err)}
			}
		}
		accepted = append(accepted, fake.Credential{Username: username, Password: password})
	}
	if len(accepted) == 0 {
		return nil, usageError{errors.New("--credential-file: the file holds no credentials")}
	}
	return accepted, nil
}
