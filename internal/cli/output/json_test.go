package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestJSONEscapesHiddenCharacters(t *testing.T) {
	const text = "a\u009b31mb\u007fc\u061c\u200e\u200f\u2028\u2029\u202e\u2066\u3164\U000e0041 ünï中\u200d😀"
	raw, err := json.Marshal(map[string]string{"name": text})
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{1, 3, len(raw)} { // characters are split between writes
		var out bytes.Buffer
		e := EscapedJSON(&out)
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
