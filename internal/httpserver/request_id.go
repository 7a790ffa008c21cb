package httpserver

import (
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

// Identified gives each request an id, which is in its context and in the header
// X-Request-Id of its answer. The caller's own is taken when it is valid, so that what a
// proxy logs and what left4me logs can be put together; a request that sends several
// has none.
func Identified(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if sent := r.Header.Values(requestid.Header); len(sent) == 1 {
			ctx = requestid.With(ctx, sent[0])
		}
		ctx = requestid.Ensure(ctx)
		w.Header().Set(requestid.Header, requestid.From(ctx))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// Logged reports whether the log has to have a failure that is shown with a status: it
// is not the caller's, and its cause is shown to nobody.
func Logged(status int, e *left4me.Error) bool {
	return status >= http.StatusInternalServerError && (e.Err != nil || e.Kind == left4me.DiskFull)
}
