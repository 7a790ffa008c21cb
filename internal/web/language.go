package web

import (
	"net/http"

	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/locale/languages"
)

// inLanguage wraps h so that it answers in the language that the browser prefers.
func inLanguage(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := languages.Preferred(r.Header.Get("Accept-Language"))
		h.ServeHTTP(w, r.WithContext(locale.Into(r.Context(), p)))
	})
}
