package httpserver

import (
	"net/http"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/requestid"
)

// Identified assigns each request an id, stores it in the context and sends it as X-Request-Id in
// the answer. It keeps a valid id of the caller, so that the logs of a proxy and of left4me can be
// matched. A request with several ids gets a new one.
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

// Logged reports whether a failure that is answered with status must be logged: the caller did not
// cause it, and the answer does not show its cause.
func Logged(status int, e *left4me.Error) bool {
	return status >= http.StatusInternalServerError && (e.Err != nil || e.Kind == left4me.DiskFull)
}
