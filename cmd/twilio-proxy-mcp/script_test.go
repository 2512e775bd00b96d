package main

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"twilio-proxy-mcp": main})
}

// Each script is a shell session about one subject. It starts without any
// TWILIO_ variable.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			for _, v := range os.Environ() {
				if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TWILIO_") {
					env.Setenv(name, "")
				}
			}
			env.Setenv("KS", "KSaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
			env.Setenv("KC", "KCaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
			env.Setenv("KP", "KPaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
			env.Setenv("XDG_STATE_HOME", env.WorkDir+"/state")
			return nil
		},
	})
}
