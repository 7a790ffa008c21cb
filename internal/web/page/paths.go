package page

import (
	"net/url"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// OverlayPath returns the address of the page of an overlay; more is appended to it.
func OverlayPath(n left4me.Name, more ...string) string {
	return "/overlays/" + string(n) + strings.Join(more, "")
}

// UserPath returns the address of the page of a user.
func UserPath(name string) string { return "/users/" + url.PathEscape(name) }
