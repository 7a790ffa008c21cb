package cli

import (
	"context"
	"net/http"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/left4me"
)

// missing is how the API says that a name is nobody's.
var missing = regexp.MustCompile(`there is no (server|blueprint|overlay|user|backup) "([^"\\]{1,64})"`)

// nearest is a name that there is, and that a name which there is not was probably
// meant to be; empty when there is none, or nobody answers at once.
func (c *Client) nearest(ctx context.Context, said string) string {
	m := missing.FindStringSubmatch(said)
	if m == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	var all []struct{ Name string }
	if _, err := c.Call(ctx, http.MethodGet, "/"+m[1]+"s", nil, &all); err != nil {
		return ""
	}
	// cobra knows which of its commands are near to a word. Letters that changed places
	// are two differences, which any two short words have.
	names := &cobra.Command{SuggestionsMinimumDistance: min(2, 1+len(m[2])/4)}
	for _, v := range all {
		if left4me.Name(v.Name).Valid() {
			names.AddCommand(&cobra.Command{Use: v.Name, Run: func(*cobra.Command, []string) {}})
		}
	}
	if near := names.SuggestionsFor(m[2]); len(near) > 0 {
		return near[0]
	}
	return ""
}
