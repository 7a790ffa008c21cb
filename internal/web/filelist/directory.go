package filelist

import (
	"net/url"
	"strconv"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/left4me"
)

// View is a directory of a revision, or what was found in all of it.
type View struct {
	Revision int // that is looked at
	Current  bool
	Dir      string
	Query    string
	Page     left4me.Page[left4me.TreeFile]
	Problem  string
	Base     string // address of the list, without its query
}

// PageSize is how many files a page shows.
const PageSize = 200

// At is the address of another part of the same list.
func (v View) At(dir, after string) templ.SafeURL {
	q := url.Values{}
	if dir != "" {
		q.Set("dir", dir)
	}
	if !v.Current {
		q.Set("rev", strconv.Itoa(v.Revision))
	}
	if after != "" {
		q.Set("after", after)
		if v.Query != "" {
			q.Set("q", v.Query)
		}
	}
	if len(q) == 0 {
		return templ.SafeURL(v.Base)
	}
	return templ.SafeURL(v.Base + "?" + q.Encode())
}

// Of is the address of something about one file.
func (v View) Of(what, file string) templ.SafeURL {
	q := url.Values{"path": {file}}
	if !v.Current {
		q.Set("rev", strconv.Itoa(v.Revision))
	}
	return templ.SafeURL(v.Base + "/" + what + "?" + q.Encode())
}
