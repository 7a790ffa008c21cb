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
		// Pages show who is logged in: whoever has the browser next must not find them
		// in its cache, or with its back button.
		h.Set("Cache-Control", "no-store")
		h.Set("X-Left4me", "1") // scripts tell our answers from a proxy's by it
		if secure {
			h.Set("Cross-Origin-Opener-Policy", "same-origin") // browsers complain about it without https
		}
		next.ServeHTTP(w, r)
	})
}
