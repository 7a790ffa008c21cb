package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// All JSON output is escaped: answers, streams, and the output of other packages' commands.
func TestJSONOutputIsEscaped(t *testing.T) {
	const text, shown = "a\u009b31m\u202eb", `a\u009b31m\u202eb`
	target := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tail") {
			fmt.Fprintf(w, `{"text":"tail %s","position":8}`, text)
			return
		}
		send(w, "id: 14\nevent: console\ndata: {\"text\":\"live %s\",\"lost\":0}\n\n", text)
		<-r.Context().Done()
	})
	out, _, err := execute(t.Context(), target, nil, "server", "logs", "alpha", "--json")
	if err != nil || !strings.Contains(out, "tail "+shown) {
		t.Errorf("an answer: %q, %v", out, err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var followed syncBuffer
	root := New(Config{Target: target, Out: &followed, Err: &followed})
	root.SetArgs([]string{"server", "logs", "alpha", "-f", "--json"})
	done := make(chan error, 1)
	go func() { done <- root.ExecuteContext(ctx) }()
	followed.await(t, "tail "+shown)
	followed.await(t, "live "+shown)
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}

	ended, _ := jobs(t, `{"id":"j1","kind":"server.start","target":"alpha","state":"done","steps":[{"label":"`+text+`","state":"done"}]}`)
	if out, _, err = execute(t.Context(), ended, nil, "job", "watch", "j1", "--json"); err != nil || !strings.Contains(out, shown) {
		t.Errorf("a job: %q, %v", out, err)
	}

	var other bytes.Buffer
	root = New(Config{Out: &other, Err: &other})
	root.AddCommand(&cobra.Command{Use: "other", RunE: func(c *cobra.Command, _ []string) error {
		return json.NewEncoder(c.OutOrStdout()).Encode("other " + text)
	}})
	root.SetArgs([]string{"other", "--json"})
	if err := root.ExecuteContext(t.Context()); err != nil || !strings.Contains(other.String(), "other "+shown) {
		t.Errorf("a command of another package: %q, %v", other.String(), err)
	}
}
