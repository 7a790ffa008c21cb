package page

import (
	"net/url"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// OverlayPath is the page of an overlay, or one beneath it.
func OverlayPath(n left4me.Name, more ...string) string {
	return "/overlays/" + string(n) + strings.Join(more, "")
}

// UserPath is the address of the page of a user.
func UserPath(name string) string { return "/users/" + url.PathEscape(name) }
