package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/web/page"
)

func headers(secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", page.Policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
		// Pages contain data of the user, which the next user of the browser must not find in its cache or
		// with its back button.
		h.Set("Cache-Control", "no-store")
		h.Set("X-Left4me", "1") // tells scripts that the answer is not from a proxy
		if secure {
			h.Set("Cross-Origin-Opener-Policy", "same-origin") // without https, browsers ignore it with a warning
		}
		next.ServeHTTP(w, r)
	})
}
