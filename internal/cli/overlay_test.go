package cli

import (
	"bytes"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/left4me"
)

func TestShowOverlayPrintsMoves(t *testing.T) {
	var out bytes.Buffer
	writeOverlay(&out,
		apitype.Overlay{Name: "comp", Moves: []left4me.FolderMove{{From: "docs", To: "-"}, {From: "odd\nname", To: "left4dead2/cfg"}}},
		left4me.Content{})
	if got := out.String(); !strings.Contains(got, "move\tdocs=-\nmove\todd name=left4dead2/cfg\n") {
		t.Errorf("got %q", got)
	}
}
