package chaos

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/left4me/left4me/test/stage"
)

// left4me reports ready only when its host answers, no matter how many files an earlier process
// left to be removed. Afterwards no request may fail because the host "does not answer".
func TestReadyOnlyWhenHostAnswers(t *testing.T) {
	t.Parallel()
	s := stage.New(t, 28480, "SIM_PLAYERS=0")
	s.Serve(t)
	s.Create(t, "alpha", nil)
	s.Kill()
	gone := filepath.Join(s.Root, "overlays", ".gone", "1")
	for d := range 100 {
		dir := filepath.Join(gone, fmt.Sprint(d))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for f := range 200 {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprint(f)), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Serve(t)
	for _, path := range []string{"/hosts/local/game", "/overlays", "/servers/alpha"} {
		var v stage.Server
		if status, err := s.Call("GET", path, nil, &v); status >= http.StatusInternalServerError {
			t.Errorf("%s: %d, %v", path, status, err)
		}
		if path == "/servers/alpha" && v.State != "stopped" {
			t.Errorf("alpha is %s (%s), want stopped", v.State, v.Reason)
		}
	}
}
