package filelist

import "strings"

// step is a directory of a path: its name, and its path from the root.
type step struct{ Name, Path string }

// crumbsOf returns the directories from the root to p, which is included. It returns nil for the root.
func crumbsOf(p string) (all []step) {
	if p == "" || p == "." {
		return nil
	}
	for i, part := range strings.Split(p, "/") {
		to := part
		if i > 0 {
			to = all[i-1].Path + "/" + part
		}
		all = append(all, step{part, to})
	}
	return all
}
