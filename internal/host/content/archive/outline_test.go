package archive

import (
	"fmt"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestLargeFolderDoesNotHideOtherFolders(t *testing.T) {
	rows := []left4me.PlanDir{{From: "a", Dir: true}}
	for i := range 1000 {
		rows = append(rows, left4me.PlanDir{From: fmt.Sprintf("a/%03d", i)})
	}
	rows = append(rows, left4me.PlanDir{From: "b", Dir: true}, left4me.PlanDir{From: "b/x"}, left4me.PlanDir{From: "c", Dir: true})
	kept := shallowest(rows, 500)
	if len(kept) != 500 || kept[0].From != "a" || kept[1].From != "a/000" || kept[498].From != "b" || kept[499].From != "c" {
		t.Errorf("got %d rows ending in %s and %s, want 500 ending in b and c", len(kept), kept[498].From, kept[499].From)
	}
	if kept := shallowest(rows, len(rows)); len(kept) != len(rows) {
		t.Errorf("got %d rows, want all %d", len(kept), len(rows))
	}
}
