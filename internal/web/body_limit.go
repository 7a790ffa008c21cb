package web

import (
	"net/http"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
)

const (
	// bodyLimit bounds the body of a request. The largest form is that of a new server.
	bodyLimit = 1 << 20
	// textLimit bounds a form that contains a whole file, whose bytes may be encoded as three each.
	textLimit = 3*overlays.MaxFile + bodyLimit
)

// limitOf returns the limit for the body of a request, or 0 for none: uploaded files are written to disk
// while they arrive, and their handlers limit them.
func limitOf(r *http.Request) int64 {
	if r.URL.Path == "/servers/new/content" {
		return 0
	}
	if !strings.HasPrefix(r.URL.Path, "/overlays/") {
		return bodyLimit
	}
	switch last := path.Base(r.URL.Path); {
	case r.Method == http.MethodPut && last == "file", r.Method == http.MethodPost && last == "upload":
		return 0
	case last == "edit", last == "script":
		return textLimit
	}
	return bodyLimit
}

func limit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if most := limitOf(r); most > 0 {
			r.Body = http.MaxBytesReader(w, r.Body, most)
		}
		next.ServeHTTP(w, r)
	})
}
