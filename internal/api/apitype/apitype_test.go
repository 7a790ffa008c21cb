package apitype

import (
	"encoding/json"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

// In a PUT an absent list may mean "unchanged", so a client must be able to send an empty list, for
// example to delete the last folder move of an overlay.
func TestEmptyListsOfDefinitionsAreSent(t *testing.T) {
	for _, c := range []struct {
		definition any
		want       string
	}{
		{ServerDefinition{Overlays: []string{}}, `{"overlays":[],"settings":{}}`},
		{ServerDefinition{}, `{"settings":{}}`},
		{BlueprintDefinition{Overlays: []string{}}, `{"overlays":[],"settings":{}}`},
		{BlueprintDefinition{}, `{"settings":{}}`},
		{
			OverlayDefinition{Kind: "files", Moves: []left4me.FolderMove{}, Cfg: []string{}},
			`{"kind":"files","refresh":{"hours":0},"moves":[],"cfg":[]}`,
		},
		{OverlayDefinition{Kind: "files"}, `{"kind":"files","refresh":{"hours":0}}`},
	} {
		got, err := json.Marshal(c.definition)
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("%T: %s, want %s", c.definition, got, c.want)
		}
	}
}
