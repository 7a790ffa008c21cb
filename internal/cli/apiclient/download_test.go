package apiclient

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestDownloadRejectsHTMLPage(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<html>Sign in")
	}))
	defer web.Close()
	c, err := New(Target{URL: web.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Download(t.Context(), "/backups/x/file", nil); foreignStatus(err) != http.StatusOK {
		t.Errorf("got error %v", err)
	}
}
