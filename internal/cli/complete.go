package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// completeWithin is how long a shell may wait for names at the tab key.
const completeWithin = 700 * time.Millisecond

const noFiles = cobra.ShellCompDirectiveNoFileComp

// names gives the values of one field of a list of the API, or nothing when it
// does not answer at once.
func (a *app) names(c *cobra.Command, path, field string) []string {
	var all []map[string]any
	if !a.ask(c, path, &all) {
		return nil
	}
	var found []string
	for _, v := range all {
		if s, ok := v[field].(string); ok && s == oneLine(s) {
			found = append(found, s)
		}
	}
	return found
}

// ask sends one request for the tab key, and reports whether it was answered at
// once.
func (a *app) ask(c *cobra.Command, path string, out any) bool {
	parent := c.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithTimeout(parent, completeWithin)
	defer cancel()
	if a.Token == "" {
		a.Token = a.ownToken
	}
	_, err := a.call(ctx, http.MethodGet, path, nil, out)
	return err == nil
}

// servers completes the one argument of a command with names of servers.
func (a *app) servers(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return a.serverNames(c), noFiles
}

func (a *app) serverNames(c *cobra.Command) (valid []string) {
	for _, n := range a.names(c, "/servers", "name") {
		if left4me.Name(n).Valid() {
			valid = append(valid, n)
		}
	}
	return valid
}

// jobIDs completes the one argument of a command with ids of jobs.
func (a *app) jobIDs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return a.names(c, "/jobs?limit=20", "id"), noFiles
}

// overlayRefs completes an overlay, and behind an @ a revision of it, the newest
// first: "maps", "maps@3".
func (a *app) overlayRefs(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	name, _, at := strings.Cut(typed, "@")
	if !at {
		return a.names(c, "/overlays", "name"), noFiles
	}
	_, path, err := overlayPath(name)
	var o overlay
	if err != nil || !a.ask(c, path, &o) {
		return nil, noFiles
	}
	var refs []string
	for _, v := range slices.Backward(o.Content.Revisions) {
		about := []string{v.CreatedAt.Local().Format(time.DateOnly)}
		if v.Number == o.Content.Current {
			about = append(about, "current")
		}
		if v.Label != "" {
			about = append(about, oneLine(v.Label))
		}
		refs = append(refs, fmt.Sprintf("%s@%d\t%s", name, v.Number, strings.Join(about, ", ")))
	}
	return refs, noFiles | cobra.ShellCompDirectiveKeepOrder
}

// completeFlag completes a flag with the names in a list of the API.
func (a *app) completeFlag(c *cobra.Command, flag, path string) {
	// It fails only for a flag that isn't there, which a test would notice.
	_ = c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.names(c, path, "name"), noFiles
	})
}
