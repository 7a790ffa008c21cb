// Package place decides where each file of an upload goes in a layer.
//
// It decides by what a file is: by the directories that it lies in, by its
// extension, by how it begins, and by the files beside it. Place is a pure function
// of these: it reads nothing, and the same files give the same answer. Every file
// has an answer with a reason in plain words: it is placed, or it is left out. When
// two places are as good, the first one is taken and the question is in the answer.
//
// Known directories say where they belong at any depth, so that the folder of a
// version, of a repository or of a plugin around them doesn't matter. The table of
// docs/content-uploads.md says the same in words.
//
// Work and memory grow with the number of files and the length of their paths.
package place

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// HeadBytes is how much of a file is inspected.
const HeadBytes = 4 << 10

// File is one file, or directory, of an upload.
type File struct {
	Path string // clean, with slashes, relative: see host/content/overlays.CheckPath
	Dir  bool
	Size int64  // bytes, or -1 when it isn't known
	Sum  uint32 // CRC-32 of all of it, or 0 when it isn't known
	// Head is how the file begins, at most HeadBytes. It may be nil for files that
	// Wanted doesn't name.
	Head []byte
}

// Result says what becomes of a file.
type Result struct {
	To  string // in the layer; empty: it is left out
	Why string // in plain words, without a full stop
	// Asked is the question about the file, counted from 1 in Placing.Asks; 0: it is
	// clear where it goes.
	Asked int
}

// Placing is what becomes of all files.
type Placing struct {
	Files []Result // one for each file, in their order
	Asks  []Ask
}

// Ask is a question: several places are as good. The first choice is what was done.
type Ask struct {
	Text    string // what it is about
	Files   []int  // the files that wait for the answer
	Choices []Choice
}

// Choice is one answer, with the moves that make it so.
type Choice struct {
	Text  string
	Moves []left4me.FolderMove
}

// Known directories of a layer.
const (
	game   = "left4dead2"
	addons = game + "/addons"
	sm     = addons + "/sourcemod"
	mm     = addons + "/metamod"
	cfgDir = game + "/cfg"
	maps   = game + "/maps"
)

// LeaveOut is the target of a move that leaves files out.
const LeaveOut = "-"

// Place says where files go. moves are what people said before: a folder or file,
// beneath the only folder at the top if there is one, and where it goes instead,
// or LeaveOut. The move of the longest path counts.
func Place(files []File, moves []left4me.FolderMove) Placing {
	t := grow(files, moves)
	t.settle(t.top)
	t.resolveLoose()
	t.collisions()
	return Placing{t.results, t.asks}
}

// Wanted returns the files whose beginnings matter, by their index, in order.
func Wanted(files []File, moves []left4me.FolderMove) []int {
	t := grow(files, moves)
	t.settle(t.top)
	var all []int
	asking := map[*dir]bool{}
	for _, i := range t.loose {
		f := &t.files[i]
		if f.kind.read() {
			all = append(all, i)
		}
		if f.kind.unclear() {
			asking[f.in] = true
		}
	}
	for d := range asking {
		for _, at := range []*dir{d, d.parent} {
			if at == nil || at != d && asking[at] {
				continue
			}
			for _, i := range at.files {
				if k := t.files[i].kind; k == source || k == people && isReadme(t.files[i].base) {
					all = append(all, i)
				}
			}
		}
	}
	return sortedUnique(all)
}

// Useful reports whether a file looks like one for a server, by its path alone.
func Useful(p string) bool {
	if Junk(p) {
		return false
	}
	dir, base := path.Split(strings.ToLower(p))
	switch k := kindOf(base); k {
	case text, unknown:
		for part := range strings.SplitSeq(dir, "/") {
			if _, known := byName[part]; known {
				return true
			}
		}
		return false
	default:
		return k.forGame()
	}
}

// Top returns the only folder at the top that all files lie in, when it isn't one
// of the game's: archives of repositories and releases have one, whose name changes
// with each version. Moves are relative to it.
func Top(files []File) string {
	top := ""
	for i := range files {
		first, _, deep := strings.Cut(files[i].Path, "/")
		if Junk(files[i].Path) {
			continue
		}
		if !deep && !files[i].Dir || top != "" && first != top {
			return ""
		}
		top = first
	}
	if _, known := byName[strings.ToLower(top)]; known {
		return ""
	}
	return top
}

// beneath is what is behind a directory in a path.
func beneath(dir, p string) (string, bool) {
	if dir == "" || dir == p {
		return strings.TrimPrefix(p, dir), true
	}
	return strings.CutPrefix(p, dir+"/")
}

// GameName is a file's name as the game finds it: on Linux it sees no add-on that
// ends in .VPK or has another dot in its name.
func GameName(base string) string {
	ext := path.Ext(base)
	if !strings.EqualFold(ext, ".vpk") {
		return base
	}
	return strings.ReplaceAll(strings.TrimSuffix(base, ext), ".", "_") + ".vpk"
}
