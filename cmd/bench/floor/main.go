// Command floor posts messages to the stub without any MCP: what a plain
// net/http client needs for a load is what every other figure is divided by.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"twilio-proxy-mcp/cmd/bench/measure"
	"twilio-proxy-mcp/cmd/bench/post"
)

func main() {
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run makes each load that it reads, and writes its sample.
func run(baseURL string, in io.Reader, out io.Writer) error {
	client := post.New(baseURL, 1024)
	loads, samples := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var load measure.Load
		if err := loads.Decode(&load); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		sample, err := measure.ClosedLoop(load, func(_, number int) error {
			_, err := client.Send("message " + strconv.Itoa(number))
			return err
		})
		if err != nil {
			return err
		}
		if err := samples.Encode(sample); err != nil {
			return err
		}
	}
}
