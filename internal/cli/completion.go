package cli

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
)

// completeWithin is the maximum time that shell completion waits for names.
const completeWithin = 700 * time.Millisecond

// names returns the values of one field of a list of the API, or nil if the API does not answer in
// time.
func (a *app) names(c *cobra.Command, path, field string) []string {
	var all []map[string]any
	if !a.ask(c, path, &all) {
		return nil
	}
	var found []string
	for _, v := range all {
		if s, ok := v[field].(string); ok && s == output.OneLine(s) {
			found = append(found, s)
		}
	}
	return found
}

// ask sends one request for shell completion and reports whether it was answered in time.
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

// servers completes the single argument of a command with names of servers.
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

// jobIDs completes the single argument of a command with ids of jobs.
func (a *app) jobIDs(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return a.names(c, "/jobs?limit=20", "id"), noFiles
}

// overlayRefs completes an overlay and, after an @, one of its revisions, newest first: "maps",
// "maps@3".
func (a *app) overlayRefs(c *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	name, _, at := strings.Cut(typed, "@")
	if !at {
		return a.names(c, "/overlays", "name"), noFiles
	}
	_, path, err := overlayPath(name)
	var o apitype.Overlay
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
			about = append(about, output.OneLine(v.Label))
		}
		refs = append(refs, fmt.Sprintf("%s@%d\t%s", name, v.Number, strings.Join(about, ", ")))
	}
	return refs, noFiles | cobra.ShellCompDirectiveKeepOrder
}

// completeFlag completes a flag with the names in a list of the API.
func (a *app) completeFlag(c *cobra.Command, flag, path string) {
	// An error means that the flag does not exist, which tests would find.
	_ = c.RegisterFlagCompletionFunc(flag, func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.names(c, path, "name"), noFiles
	})
}

// overlays completes the first argument of a command with names of overlays.
func (a *app) overlays(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return slices.DeleteFunc(a.names(c, "/overlays", "name"), func(n string) bool { return !left4me.Name(n).Valid() }), noFiles
}

// similar returns the known name that is most similar to name, or "" if none is.
func similar(name string, known []string) string {
	// cobra can suggest commands with similar names. A lower distance limit is needed: two swapped
	// letters are two differences, but so are any two unrelated words of two letters.
	names := &cobra.Command{SuggestionsMinimumDistance: min(2, 1+len(name)/4)}
	for _, n := range known {
		names.AddCommand(&cobra.Command{Use: n, Run: func(*cobra.Command, []string) {}})
	}
	if near := names.SuggestionsFor(name); len(near) > 0 {
		return near[0]
	}
	return ""
}
