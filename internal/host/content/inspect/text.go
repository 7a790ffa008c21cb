package inspect

import (
	"context"
	"path"
	"strings"

	"github.com/left4me/left4me/internal/gametext"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vdf"
)

const sourceMod = addonsDir + "/sourcemod/"

// checkTexts checks texts of known formats, in which the game or SourceMod ignores content after a
// mistake.
func (v *view) checkTexts(ctx context.Context) error {
	for _, f := range v.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		check, reader := checkOf(strings.ToLower(f)), gametext.ReaderOf(f)
		commands := runsCommands(strings.ToLower(f))
		if check == nil && reader == gametext.Unread && !commands {
			continue
		}
		b, err := v.text(f)
		if err != nil {
			continue
		}
		v.warnFindings(f, gametext.Check(reader, b))
		if commands {
			v.checkCommands(f, b)
		}
		if check == nil {
			continue
		}
		text := vdf.Decode(b)
		if strings.Contains(text, "\x00") {
			continue // not a text
		}
		if line, problem := check(text); problem != nil {
			v.warn.add(left4me.NewWarning(left4me.WarnSyntax, f, "text.syntax", "line", line, "problem", problem))
		}
	}
	return nil
}

// warnFindings warns about content that programs read differently than people.
func (v *view) warnFindings(file string, found []gametext.Finding) {
	for _, f := range found {
		if f.Fix == gametext.Encoding && v.encodingWarned[file] {
			continue
		}
		w := left4me.NewWarning(left4me.WarnText, file, "text.finding",
			"count", len(f.Rows), "lines", optional(f.Lines()), "problem", f.Problem)
		w.Fix = f.Fix != gametext.NoFix
		v.warn.add(w)
	}
}

// checkOf returns the check for the text at a lower-case path, or nil. Missions are checked
// elsewhere.
func checkOf(name string) func(string) (int, *left4me.Error) {
	ext := path.Ext(name)
	switch {
	case ext == ".cfg" && strings.HasPrefix(name, sourceMod+"configs/"),
		ext == ".txt" && strings.HasPrefix(name, sourceMod+"gamedata/"):
		return smc.check
	case ext == ".vdf", ext == ".res", name == base+"/gameinfo.txt":
		return checkKeyValues
	}
	return nil
}
