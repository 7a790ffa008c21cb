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
	return []left4me.Check{checkClient(ctx, t), {
		Name: "this machine", State: left4me.CheckSkipped, Text: "nothing of left4me is here, and LEFT4ME_URL leads elsewhere",
		Mend: "`env -u LEFT4ME_URL left4me doctor` looks at it",
	}}
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
	c := left4me.Check{Name: "commands", State: left4me.CheckBroken}
	client, err := apiclient.New(t)
	if err == nil {
		_, err = client.Call(ctx, http.MethodGet, "/servers", nil, nil)
	}
	at := t.URL
	if at == "" {
		at = t.Socket
	}
	public, told := left4me.Public(err)
	switch {
	case err == nil:
		c.State, c.Text = left4me.CheckOK, output.OneLine(at)+" answers them"
	case told && errors.Is(err, left4me.Denied) && t.URL == "" && t.Token == "":
		// A user of the machine without a left4me account: nothing is broken.
		c.State, c.Text, c.Mend = left4me.CheckSkipped, public.Text, public.Hint
	case told:
		c.Text, c.Mend = output.OneLine(public.Text), output.OneLine(public.Hint)
	default:
		c.Text = output.OneLine(err.Error())
	}
	return c
}
