package left4me_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
)

// docs/settings.md must contain the table of settings generated here.
func TestSettingsDocumentIsUpToDate(t *testing.T) {
	tableInDocument(t, "docs/settings.md", settingsTable())
}

// tableInDocument checks that a document contains the table between its markers; -update writes it
// there.
func tableInDocument(t *testing.T, file, table string) {
	t.Helper()
	const begin, end = "<!-- table -->\n", "<!-- end -->\n"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	_, tail, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no markers for the table", file)
	}
	want := head + begin + table + end + tail
	if *update {
		err = os.WriteFile(file, []byte(want), 0o644)
	} else if want != string(b) {
		t.Errorf("%s is out of date; run: go test . -run %s -update", file, t.Name())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func settingsTable() string {
	var b strings.Builder
	var group left4me.SettingGroup
	for _, i := range left4me.SettingInfos() {
		if i.Group != group {
			group = i.Group
			fmt.Fprintf(&b, "\n### %s\n\n| setting | flag | description | sets | default |\n|---|---|---|---|---|\n",
				group.Title(locale.English))
		}
		help := i.Help
		switch {
		case i.Kind == left4me.NumberSetting:
			help += fmt.Sprintf(" %d to %d.", i.Min, i.Max)
		case i.Kind == left4me.ChoiceSetting:
			var all []string
			for _, c := range i.Choices {
				all = append(all, "`"+c.Value+"`")
			}
			help += " One of " + strings.Join(all, ", ") + "."
		case i.List():
			help += fmt.Sprintf(" Up to %d.", i.Max)
		case i.Kind != left4me.SwitchSetting:
			help += fmt.Sprintf(" Up to %d bytes.", i.Max)
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s | %s |\n", i.Key, i.Flag, help, i.Sets, i.Default)
	}
	return b.String() + "\n"
}
