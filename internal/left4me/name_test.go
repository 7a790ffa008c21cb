package left4me_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
)

func TestProposeNameFromTitle(t *testing.T) {
	taken := []left4me.Name{"dark-carnival", "dark-carnival-2", left4me.Name(strings.Repeat("a", 64))}
	for title, want := range map[string]left4me.Name{
		"Newcomer Harbour":       "newcomer-harbour",
		"  Dead Man's Réveil!! ": "dead-mans-reveil",
		"Dark Carnival":          "dark-carnival-3",
		"mein_größtes.V2":        "mein-groesstes-v2",
		"死亡中心":                   "",
		"死亡 Center":              "center",
		"--":                     "",
		strings.Repeat("a", 90):  left4me.Name(strings.Repeat("a", 62) + "-2"),
		strings.Repeat("a ", 90): left4me.Name(strings.TrimSuffix(strings.Repeat("a-", 32), "-")),
	} {
		got := left4me.ProposeName(title, func(n left4me.Name) bool { return slices.Contains(taken, n) })
		if got != want || got != "" && !got.Valid() {
			t.Errorf("ProposeName(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestNextNameContinuesNumber(t *testing.T) {
	for name, want := range map[left4me.Name]left4me.Name{
		"alpha": "alpha-2", "alpha-2": "alpha-4", "alpha-9": "alpha-10", "alpha-007": "alpha-007-2", "c8-m1": "c8-m1-2",
		left4me.Name(strings.Repeat("b", 64)): left4me.Name(strings.Repeat("b", 62) + "-2"),
	} {
		got := left4me.NextName(name, func(n left4me.Name) bool { return n == "alpha-3" })
		if got != want || !got.Valid() {
			t.Errorf("NextName(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzProposeName(f *testing.F) {
	f.Add("Newcomer Harbour")
	f.Add("größe'’\x00\xff")
	f.Fuzz(func(t *testing.T, title string) {
		if n := left4me.ProposeName(title, func(left4me.Name) bool { return false }); n != "" && !n.Valid() {
			t.Errorf("ProposeName(%q) = %q, which is not valid", title, n)
		}
	})
}
