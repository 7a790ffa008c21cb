// Package place decides where each file of an upload goes in a layer.
//
// The decision depends on the directories of a file, its extension, its beginning and the files
// next to it. Place is a pure function of these: it does no I/O, and equal input gives equal
// results. Every file is either placed or left out, with a reason. If two places are
// equally likely, Place uses the first and adds a question to the result.
//
// Known directories are recognised at any depth, so the folder of a version, repository or plugin
// around them doesn't matter. docs/content-uploads.md describes the rules for users.
//
// Time and memory grow about linearly with the number of files and the length of their paths.
package place

import (
	"path"
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// HeadBytes is the number of bytes inspected at the beginning of a file.
const HeadBytes = 4 << 10

// File is a file or directory of an upload.
type File struct {
	Path string // valid for host/content/overlays.CheckPath
	Dir  bool
	Size int64  // bytes; -1 if unknown
	Sum  uint32 // CRC-32 of the content; 0 if unknown
	// Head contains the first bytes, at most HeadBytes. It may be nil for files that Wanted doesn't
	// return.
	Head []byte
}

// Result is the decision about one file.
type Result struct {
	To  string       // path in the layer; empty if left out
	Why left4me.Note // reason for users
	// Asked is the number of the question about the file, counted from 1 in Placing.Asks. 0 means
	// that there is no question.
	Asked int
}

// Placing is the result of Place.
type Placing struct {
	Files []Result // one per file, in the same order
	Asks  []Ask
}

// Ask is a question about files with several equally likely places. Place has applied the first
// choice.
type Ask struct {
	Question left4me.Note // the question to the user
	Files    []int        // indexes of the affected files
	Choices  []Choice
}

// Choice is a possible answer and the moves that implement it.
type Choice struct {
	Label left4me.Note
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

// LeaveOut is the target of a move that leaves out files.
const LeaveOut = "-"

// Place decides where files go. moves are earlier decisions of the user: each moves a file or
// folder, relative to Top, to a path in the layer or to LeaveOut. The most specific move applies.
func Place(files []File, moves []left4me.FolderMove) Placing {
	t := newTree(files, moves)
	t.placeDirs(t.top)
	t.resolveLoose()
	t.collisions()
	return Placing{t.results, t.asks}
}

// Wanted returns the sorted indexes of the files whose beginnings affect the result of Place.
func Wanted(files []File, moves []left4me.FolderMove) []int {
	t := newTree(files, moves)
	t.placeDirs(t.top)
	var all []int
	asking := map[*dir]bool{}
	for _, i := range t.loose {
		f := &t.files[i]
		if f.kind.needsHead() {
			all = append(all, i)
		}
		if f.kind.mayBePluginData() {
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

// Useful reports whether the path of a file suggests that it is for a server.
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

// Top returns the only top-level folder, if it contains all files and is not a known directory.
// Archives of repositories and releases have such a folder, whose name changes with each version.
// Moves are relative to it.
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

// beneath returns the part of a path after a directory, and whether the path is in that directory
// or equal to it.
func beneath(dir, p string) (string, bool) {
	if dir == "" || dir == p {
		return strings.TrimPrefix(p, dir), true
	}
	return strings.CutPrefix(p, dir+"/")
}

// GameName returns the name under which the game finds a file. On Linux it ignores add-ons with the
// extension .VPK or another dot in the name.
func GameName(base string) string {
	ext := path.Ext(base)
	if !strings.EqualFold(ext, ".vpk") {
		return base
	}
	return strings.ReplaceAll(strings.TrimSuffix(base, ext), ".", "_") + ".vpk"
}
