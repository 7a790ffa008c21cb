package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// BenchmarkListOf500 renders the list of 500 servers, without network transfer.
func BenchmarkListOf500(b *testing.B) {
	s := newSite(b, false)
	for i := range 500 {
		v := left4me.Server{Name: left4me.Name(fmt.Sprintf("server-%d", i)), Port: 27015 + i}
		must(s.servers.Create(b.Context(), left4me.ByUser("tester"), v))(b)
	}
	admin := s.as(b, "admin")
	r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, s.url+"/servers", nil)
	for _, c := range admin.http.Jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}
