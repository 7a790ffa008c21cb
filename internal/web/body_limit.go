package web

import (
	"net/http"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/control/overlays"
)

const (
	// bodyLimit is more than the longest form, which is that of a new server.
	bodyLimit = 1 << 20
	// textLimit is that of a form with a whole file in it, three bytes for one.
	textLimit = 3*overlays.MaxFile + bodyLimit
)

// limitOf is how long the body of a request may be; 0 is without a limit: a file
// goes to the disk as it comes, and who takes it bounds it.
func limitOf(r *http.Request) int64 {
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
