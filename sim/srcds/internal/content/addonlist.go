package content

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/left4me/left4me/source/vdf"
)

type addon struct {
	name    string
	enabled bool
}

// addonFiles returns the VPKs in addons/ by name. Those with the value "0" in addonlist.txt are
// disabled.
func addonFiles(root string) []addon {
	disabled := map[string]bool{}
	if text, err := os.ReadFile(filepath.Join(root, "left4dead2", "addonlist.txt")); err == nil {
		list, _ := vdf.ParseGame(text, vdf.Options{})
		if block := list.Get("AddonList"); block != nil {
			for _, n := range block.Children {
				disabled[n.Key] = n.Value == "0"
			}
		}
	}
	files, _ := os.ReadDir(filepath.Join(root, "left4dead2", "addons"))
	var found []addon
	for _, f := range files {
		base, isPack := strings.CutSuffix(f.Name(), ".vpk")
		if isPack && !f.IsDir() && !strings.Contains(base, ".") {
			found = append(found, addon{f.Name(), !disabled[f.Name()]})
		}
	}
	return found
}

// WriteAddonList writes left4dead2/addonlist.txt as servers do when they start: it lists all add-ons,
// enabled unless they were disabled before.
func WriteAddonList(root string) error {
	list := &vdf.Node{Block: true}
	block := list.AddBlock("AddonList")
	for _, a := range addonFiles(root) {
		value := "1"
		if !a.enabled {
			value = "0"
		}
		block.Add(a.name, value)
	}
	text, err := vdf.Append(nil, list, vdf.Options{})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "left4dead2", "addonlist.txt"), text, 0o644)
}
