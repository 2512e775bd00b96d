package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"twilio-proxy-mcp/cmd/bench/drive"
	"twilio-proxy-mcp/cmd/bench/post"
)

//go:embed peers/sdk.mjs
var sdkServer []byte

// The npm packages of the peers, in the versions that are compared.
var peerPackages = []string{"@twilio-alpha/mcp@0.7.0", "@modelcontextprotocol/sdk@^1", "zod@^3.25"}

// twilioCall is the call as Twilio's own server names it.
var twilioCall = drive.Request(strings.Replace(string(drive.Call), "send_message_interaction", "TwilioProxyV1--CreateMessageInteraction", 1))

// peers installs the npm peers into the run's directory and returns how to
// start them. Twilio's server is pointed at the stub by the address in its copy
// of the API's description, the only place that has it.
func (b *bench) peers() ([]launch, error) {
	dir := filepath.Join(b.dir, "npm")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	install := exec.Command("npm", append([]string{"install", "--silent", "--no-fund", "--no-audit", "--prefix", dir}, peerPackages...)...)
	if out, err := install.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("npm install: %w\n%s", err, out)
	}
	twilio := filepath.Join(dir, "node_modules", "@twilio-alpha", "mcp")
	description := filepath.Join(twilio, "twilio-oai", "spec", "yaml", "twilio_proxy_v1.yaml")
	text, err := os.ReadFile(description)
	if err != nil {
		return nil, err
	}
	pointed := strings.ReplaceAll(string(text), "https://proxy.twilio.com", b.stub.HTTP)
	if err := os.WriteFile(description, []byte(pointed), 0o644); err != nil {
		return nil, err
	}
	sdk := filepath.Join(dir, "sdk.mjs")
	if err := os.WriteFile(sdk, sdkServer, 0o644); err != nil {
		return nil, err
	}
	credentials := post.AccountSid + "/" + strings.Replace(post.AccountSid, "AC", "SK", 1) + ":" + post.Token
	return []launch{
		{twilioName, nil, []string{"node", filepath.Join(twilio, "build", "index.js"), credentials, "--services", "twilio_proxy_v1"}},
		{sdkName, nil, []string{"node", sdk, b.stub.HTTP}},
	}, nil
}

// startPeer starts a peer as a subject of the table.
func startPeer(l launch) (*subject, error) {
	p, err := start(l.env, l.argv[0], l.argv[1:]...)
	s, err := openLines(l.name, "", p, err)
	if err == nil && l.name == twilioName {
		s.client.(*drive.Lines).Request = twilioCall
	}
	return s, err
}
