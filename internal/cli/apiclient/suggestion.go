package apiclient

import (
	"context"
	"net/http"
	"regexp"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// missing matches the API's message about an unknown name.
var missing = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`there is no (server|blueprint|overlay|user|backup) "([^"\\]{1,64})"`)
})

// nearestWithin is the maximum time that an error waits for a suggestion.
const nearestWithin = 700 * time.Millisecond

// nearest returns the existing name that an unknown name was probably meant to be. It returns "" if
// there is none, or if the API does not answer in time.
func (c *Client) nearest(ctx context.Context, said string) string {
	m := missing().FindStringSubmatch(said)
	if m == nil || c.Similar == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, nearestWithin)
	defer cancel()
	var all []struct{ Name string }
	if _, err := c.Call(ctx, http.MethodGet, "/"+m[1]+"s", nil, &all); err != nil {
		return ""
	}
	var known []string
	for _, v := range all {
		if left4me.Name(v.Name).Valid() {
			known = append(known, v.Name)
		}
	}
	return c.Similar(m[2], known)
}
