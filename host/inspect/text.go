package inspect

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/left4me/left4me"
	"github.com/left4me/left4me/source/vdf"
)

const sourceMod = addonsDir + "/sourcemod/"

// checkTexts looks at texts whose form is known, where a mistake means that the
// game or SourceMod leaves them out.
func (v *view) checkTexts(ctx context.Context) error {
	for _, f := range v.files {
		if err := ctx.Err(); err != nil {
			return err
		}
		check := checkOf(strings.ToLower(f))
		if check == nil {
			continue
		}
		b, err := v.text(f)
		if err != nil {
			continue
		}
		text := vdf.Decode(b)
		if strings.Contains(text, "\x00") {
			continue // not a text
		}
		if line, problem := check(text); problem != "" {
			v.warn.add(left4me.WarnSyntax, f, fmt.Sprintf("line %d: %s", line, problem), "")
		}
	}
	return nil
}

// checkOf is how the text at a path, in small letters, is looked at; nil for
// others. Missions are read anyway.
func checkOf(name string) func(string) (int, string) {
	ext := path.Ext(name)
	switch {
	case name == sourceMod+"configs/admins_simple.ini":
		return checkAdmins
	case ext == ".cfg" && strings.HasPrefix(name, sourceMod+"configs/"),
		ext == ".txt" && strings.HasPrefix(name, sourceMod+"gamedata/"):
		return smc.check
	case ext == ".vdf", ext == ".res", name == base+"/gameinfo.txt":
		return checkKeyValues
	}
	return nil
}

// checkKeyValues takes a text for right that is so with escapes or without.
func checkKeyValues(text string) (int, string) {
	line, problem := plainKeyValues(text, false)
	if problem != "" && strings.Contains(text, `\`) {
		if _, p := plainKeyValues(text, true); p == "" {
			return 0, ""
		}
	}
	return line, problem
}

func plainKeyValues(text string, escapes bool) (int, string) {
	d := keyValues
	d.escapes = escapes
	if line, problem := d.check(text); problem != "" {
		return line, problem
	}
	_, err := vdf.Parse([]byte(text), vdf.Options{Escapes: escapes})
	var at *vdf.Error
	if errors.As(err, &at) && !errors.Is(err, vdf.ErrTooLarge) {
		return at.Line, reason(at)
	}
	return 0, ""
}

// checkAdmins reads SourceMod's list of administrators: an identity and what it
// may do on each line, both in quotes where they have blanks.
func checkAdmins(text string) (line int, problem string) {
	comment := false
	for raw := range strings.Lines(text) {
		line++
		s := strings.TrimSpace(raw)
		if comment {
			_, after, ends := strings.Cut(s, "*/")
			if !ends {
				continue
			}
			comment, s = false, strings.TrimSpace(after)
		}
		switch {
		case strings.HasPrefix(s, "/*"):
			comment = !strings.Contains(s, "*/")
			continue
		case s == "", s[0] == ';', strings.HasPrefix(s, "//"):
			continue
		}
		if before, _, ok := strings.Cut(s, "//"); ok && !strings.Contains(before, "/") {
			s = strings.TrimSpace(before)
		}
		if strings.Count(s, `"`)%2 != 0 {
			return line, "a quotation mark isn't closed"
		}
		if !strings.Contains(s, `" "`) && len(strings.Fields(s)) < 2 && strings.Count(s, `"`) < 4 {
			return line, "what this administrator may do is missing"
		}
	}
	return 0, ""
}
