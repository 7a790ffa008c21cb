package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli/apiclient"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// clientWithin limits the one request that doctor sends.
const clientWithin = 10 * time.Second

// clientOf returns the target of this user's commands, according to the flags or else the environment.
func clientOf(c *cobra.Command) apiclient.Target {
	t := apiclient.Target{Token: os.Getenv("LEFT4ME_TOKEN"), Socket: localSocket(), Advice: advice(os.Args[1:])}
	t.URL, _ = c.Flags().GetString("url")
	if said, _ := c.Flags().GetString("token"); said != "" {
		t.Token = said
	}
	return t
}

// installed reports whether left4me is installed on this machine.
func installed(s settings) bool {
	for _, path := range []string{s.root, packagedUnit} {
		if _, err := os.Stat(path); err == nil {
			return true
		}
	}
	return false
}

// elsewhere returns the checks for a machine from which commands go to another one.
func elsewhere(ctx context.Context, t apiclient.Target) []left4me.Check {
	return []left4me.Check{
		checkClient(ctx, t),
		left4me.NewCheck(left4me.CheckSkipped, "this machine", "machine.other", "command",
			left4me.Commands("env -u LEFT4ME_URL left4me doctor")),
	}
}

// checkCommands checks the target of this user's commands. Without an address and a token they use the
// socket, which answers only while left4me runs here.
func checkCommands(ctx context.Context, s settings, t apiclient.Target) []left4me.Check {
	if t.URL == "" && !serving(s) {
		return nil
	}
	return []left4me.Check{checkClient(ctx, t)}
}

// checkClient checks whether left4me answers this user's commands.
func checkClient(ctx context.Context, t apiclient.Target) left4me.Check {
	ctx, cancel := context.WithTimeout(ctx, clientWithin)
	defer cancel()
	const name = "commands"
	client, err := apiclient.New(t)
	if err == nil {
		_, err = client.Call(ctx, http.MethodGet, "/servers", nil, nil)
	}
	at := t.URL
	if at == "" {
		at = t.Socket
	}
	public, told := left4me.Public(err)
	if told {
		// The client may have replaced the hint of the code with its own.
		plain := *public
		plain.Code, plain.Args = "", nil
		public, err = &plain, &plain
	}
	switch {
	case err == nil:
		return left4me.NewCheck(left4me.CheckOK, name, "commands.ok", "address", output.OneLine(at))
	case told && errors.Is(err, left4me.Denied) && t.URL == "" && t.Token == "":
		// A user of the machine without a left4me account: nothing is broken.
		return left4me.NewCheck(left4me.CheckSkipped, name, "commands.failed", "reason", public)
	}
	return left4me.NewCheck(left4me.CheckBroken, name, "commands.failed", "reason", left4me.ReasonOf(err))
}
