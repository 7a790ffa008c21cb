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

	"github.com/left4me/left4me/internal/left4me"
)

func TestJSONEscapesHiddenCharacters(t *testing.T) {
	const text = "a\u009b31mb\u007fc\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u3164\U000e0041 ünï中\u200d😀"
	raw, err := json.Marshal(map[string]string{"name": text})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 3, len(raw)} { // characters are cut between writes
		var out bytes.Buffer
		e := &escaped{w: &out}
		for rest := raw; len(rest) > 0; {
			n := min(size, len(rest))
			if wrote, err := e.Write(rest[:n]); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		if strings.ContainsFunc(out.String(), left4me.Hidden) {
			t.Errorf("in pieces of %d: %q", size, out.String())
		}
		var back map[string]string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["name"] != text {
			t.Errorf("in pieces of %d it became %q, %v", size, back["name"], err)
		}
	}
}

// What answers, streams and commands of other packages print goes through it.
func TestAllJSONOfTheCommandLineIsEscaped(t *testing.T) {
	const text, shown = "a\u009b31m\u202eb", `a\u009b31m\u202eb`
	stream := serving(t, "", func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/tail") {
			fmt.Fprintf(w, `{"text":"tail %s","position":8}`, text)
			return
		}
		send(w, "id: 14\nevent: console\ndata: {\"text\":\"live %s\",\"lost\":0}\n\n", text)
		<-r.Context().Done()
	})
	target := Target{URL: stream.where}
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
