package left4me_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me"
)

func TestMergeMovesKeepsTheLastAndForgets(t *testing.T) {
	before := []left4me.FolderMove{{From: "a", To: "left4dead2/cfg"}, {From: "b", To: "-"}}
	got := left4me.MergeMoves(before, []left4me.FolderMove{{From: "b", To: "left4dead2"}, {From: "a", To: ""}, {From: "c", To: "-"}})
	if d := cmp.Diff([]left4me.FolderMove{{From: "b", To: "left4dead2"}, {From: "c", To: "-"}}, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]left4me.FolderMove{{From: "a", To: "left4dead2/cfg"}, {From: "b", To: "-"}}, before); d != "" {
		t.Errorf("what was there before changed: %s", d)
	}
}
