package filelist

import "strings"

// step is one part of a path.
type step struct{ Name, Path string }

// crumbsOf are the directories on the way to a path.
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
