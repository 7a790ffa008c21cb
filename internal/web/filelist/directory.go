package filelist

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/left4me/left4me/internal/left4me"
)

// View is a page of the files of a revision: those in one directory, or those that match a query.
type View struct {
	Revision int  // whose files are shown
	Current  bool // whether Revision is the current one
	Dir      string
	Skipped  bool // whether Dir was opened because the directories around it contain nothing else
	Query    string
	Page     left4me.Page[left4me.TreeFile]
	Problem  string
	Base     string // address of the list, without its query
}

// PageSize is the maximum number of files on a page.
const PageSize = 200

// Read reads the page that the query of an address selects. Without a directory, it begins where the files
// are.
func (v *View) Read(q url.Values, list func(left4me.Filter) (left4me.Page[left4me.TreeFile], error)) (err error) {
	v.Dir, v.Query = strings.Trim(q.Get("dir"), "/"), strings.TrimSpace(q.Get("q"))
	f := left4me.Filter{Dir: v.Dir, Query: v.Query, After: q.Get("after"), Limit: PageSize}
	if f.Dir != "" {
		v.Page, err = list(f)
		return err
	}
	v.Dir, v.Page, err = left4me.FirstFiles(f, list)
	v.Skipped = v.Dir != ""
	return err
}

// At returns the address of a directory of the same revision, or of the page of the
// query that begins after a path.
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

// Of returns the address of an action on a file of the revision, such as "download".
func (v View) Of(what, file string) templ.SafeURL {
	q := url.Values{"path": {file}}
	if !v.Current {
		q.Set("rev", strconv.Itoa(v.Revision))
	}
	return templ.SafeURL(v.Base + "/" + what + "?" + q.Encode())
}
