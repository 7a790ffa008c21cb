package apiclient

import (
	"context"
	"net/http"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// nouns are the nouns of the lists that have names, which are also the prefixes of the codes of
// unknown names and the names of their arguments.
var nouns = []string{"server", "blueprint", "overlay", "user", "backup"}

// unknownName returns the unknown name that an error, or an error among its arguments, is about.
func unknownName(code string, args left4me.Args) (noun, name string, ok bool) {
	for _, noun := range nouns {
		if code == noun+".unknown" {
			name, ok = args[noun].(string)
			return noun, name, ok
		}
	}
	for _, v := range args {
		if e, isError := v.(*left4me.Error); isError {
			if noun, name, ok = unknownName(e.Code, e.Args); ok {
				return noun, name, true
			}
		}
	}
	return "", "", false
}

// nearestWithin is the maximum time that an error waits for a suggestion.
const nearestWithin = 700 * time.Millisecond

// nearest returns the existing name that an unknown name was probably meant to be. It returns "" if
// there is none, or if the API does not answer in time.
func (c *Client) nearest(ctx context.Context, p problem) string {
	noun, name, ok := unknownName(p.Code, p.Args)
	if !ok || c.Similar == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, nearestWithin)
	defer cancel()
	var all []struct{ Name string }
	if _, err := c.Call(ctx, http.MethodGet, "/"+noun+"s", nil, &all); err != nil {
		return ""
	}
	var known []string
	for _, v := range all {
		if left4me.Name(v.Name).Valid() {
			known = append(known, v.Name)
		}
	}
	return c.Similar(name, known)
}
