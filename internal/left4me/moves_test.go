package left4me_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/left4me"
)

func TestMergeMovesKeepsLastAndDropsEmpty(t *testing.T) {
	before := []left4me.FolderMove{{From: "a", To: "left4dead2/cfg"}, {From: "b", To: "-"}}
	got := left4me.MergeMoves(before, []left4me.FolderMove{{From: "b", To: "left4dead2"}, {From: "a", To: ""}, {From: "c", To: "-"}})
	if d := cmp.Diff([]left4me.FolderMove{{From: "b", To: "left4dead2"}, {From: "c", To: "-"}}, got); d != "" {
		t.Error(d)
	}
	joined := left4me.JoinMoves(before, []left4me.FolderMove{{From: "a"}})
	if d := cmp.Diff([]left4me.FolderMove{{From: "a"}, {From: "b", To: "-"}}, joined); d != "" {
		t.Errorf("joined: %s", d)
	}
	if d := cmp.Diff([]left4me.FolderMove{{From: "a", To: "left4dead2/cfg"}, {From: "b", To: "-"}}, before); d != "" {
		t.Errorf("the argument before was changed: %s", d)
	}
}
