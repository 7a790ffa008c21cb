package overlays

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	recordName    = "overlay.json"
	recordVersion = 1
	maxRecord     = 16 << 20
)

// records reads and writes the overlay.json files.
type records struct {
	layout *layout
	usage  *usage
	mu     sync.Mutex // held while any overlay.json is changed
}

// record is the content of overlay.json.
type record struct {
	V         int        `json:"v"`
	Current   int        `json:"current"` // 0 if there is no revision
	Last      int        `json:"last"`    // highest number ever assigned
	Revisions []revision `json:"revisions"`

	written bool // exists on disk
}

// revision is the summary of a revision for lists.
type revision struct {
	left4me.Revision
	Hand bool `json:"hand,omitempty"` // installed by hand, with arbitrary modes and owners
	Odd  int  `json:"odd,omitempty"`  // number of entries that are not allowed in a layer
}

func (r *record) index(number int) int {
	return slices.IndexFunc(r.Revisions, func(v revision) bool { return v.Number == number })
}

func (r *record) get(number int) (revision, bool) {
	if i := r.index(number); i >= 0 {
		return r.Revisions[i], true
	}
	return revision{}, false
}

// Current returns the current revision of the overlay in directory dir, or 0 if there is none. The
// revision's files are in the subdirectory of that name. A damaged overlay.json is ignored if there
// are revisions.
func Current(dir string) (int, error) {
	r, err := load(dir)
	return r.Current, err
}

// CurrentAndLabelled returns the revisions of the overlay in directory dir that a rebuild can't
// recreate: the current one and the labelled ones.
func CurrentAndLabelled(dir string) ([]int, error) {
	r, err := load(dir)
	var all []int
	for _, v := range r.Revisions {
		if v.Number == r.Current || v.Label != "" {
			all = append(all, v.Number)
		}
	}
	return all, err
}

// IsManifest reports whether name is the file name of a manifest, which can be recreated from the
// revision's files.
func IsManifest(name string) bool {
	stem, ok := cutSuffix(name, filesSuffix)
	_, isNumber := number(stem)
	return ok && isNumber
}

// Has reports whether the overlay in directory dir has a revision.
func Has(dir string, number int) (bool, error) {
	r, err := load(dir)
	return r.index(number) >= 0, err
}

// load reads the record of the overlay in directory dir and reconciles it with the directories
// there: a revision without a directory is omitted, and a directory without notes is a revision
// that was installed by hand. A directory with notes that overlay.json doesn't mention was never
// published and is omitted. If overlay.json is damaged, the record is rebuilt from the notes.
func load(dir string) (record, error) {
	r, err := readRecord(filepath.Join(dir, recordName))
	damaged := errors.Is(err, errRecord)
	if err != nil && !damaged && !errors.Is(err, fs.ErrNotExist) {
		return record{}, err
	}
	r.written = err == nil
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return record{}, nil
	}
	if err != nil {
		return record{}, err
	}
	there, notes := map[int]bool{}, map[int]bool{}
	for _, e := range entries {
		if n, ok := number(e.Name()); ok && e.IsDir() {
			there[n] = true
		} else if name, ok := cutSuffix(e.Name(), notesSuffix); ok {
			if n, ok := number(name); ok {
				notes[n] = true
			}
		}
	}
	r.Revisions = slices.DeleteFunc(r.Revisions, func(v revision) bool {
		ok := there[v.Number]
		delete(there, v.Number)
		return !ok
	})
	for n := range there {
		r.Last = max(r.Last, n)
		if notes[n] && !damaged {
			continue
		}
		v := revision{Hand: true, Revision: left4me.Revision{Number: n}}
		if st, err := os.Stat(filepath.Join(dir, strconv.Itoa(n))); err == nil {
			v.CreatedAt = st.ModTime().UTC()
		}
		if notes[n] { // overlay.json is damaged
			if details, err := readNotes(dir, n); err != nil || details.Dropped {
				continue
			} else {
				v = revision{Revision: details.Revision}
			}
		}
		r.Revisions = append(r.Revisions, v)
	}
	slices.SortFunc(r.Revisions, func(a, b revision) int { return b.Number - a.Number })
	if len(r.Revisions) == 0 {
		r.Current = 0
	} else if r.index(r.Current) < 0 {
		r.Current = r.Revisions[0].Number
	}
	return r, nil
}

// number parses the directory name of a revision: a positive number without leading zeros. Other
// directories, such as 0, are not revisions.
func number(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n > 0 && n < 1<<31 && strconv.Itoa(n) == s
}

func cutSuffix(s, suffix string) (string, bool) {
	if len(s) <= len(suffix) || s[len(s)-len(suffix):] != suffix {
		return s, false
	}
	return s[:len(s)-len(suffix)], true
}

var errRecord = errors.New("damaged " + recordName)

func readRecord(name string) (record, error) {
	data, err := readSmall(name, maxRecord)
	if err != nil {
		return record{}, err
	}
	return parseRecord(data)
}

// readSmall reads a regular file of at most most bytes. Errors: errRecord, fs.ErrNotExist.
func readSmall(name string, most int64) ([]byte, error) {
	st, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() || st.Size() > most {
		return nil, fmt.Errorf("%w: it is no file of ours", errRecord)
	}
	return os.ReadFile(name)
}

// parseRecord decodes and validates overlay.json, which may have been truncated by a full disk or
// edited by hand. The only error is errRecord.
func parseRecord(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	if r.V != recordVersion || r.Last < 0 || r.Last >= 1<<31 {
		return record{}, fmt.Errorf("%w: version %d", errRecord, r.V)
	}
	seen := map[int]bool{}
	for _, v := range r.Revisions {
		if v.Number < 1 || v.Number >= 1<<31 || seen[v.Number] {
			return record{}, fmt.Errorf("%w: revision %d", errRecord, v.Number)
		}
		seen[v.Number] = true
		r.Last = max(r.Last, v.Number)
	}
	return r, nil
}

// save replaces overlay.json atomically, which makes prepared revisions visible.
func (rs *records) save(dir string, r *record) error {
	r.V = recordVersion
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, recordName), append(data, '\n'), 0o644); err != nil {
		return rs.layout.diskFull(fmt.Errorf("write %s: %w", recordName, err), int64(len(data)))
	}
	r.written = true
	rs.usage.changed()
	return nil
}

// notesSuffix is the file extension of the details of a revision. The file is written before the
// directory, which distinguishes interrupted publishes from directories that were installed by
// hand.
const notesSuffix = ".json"

// notes contains all details of a revision.
type notes struct {
	V       int  `json:"v"`
	Dropped bool `json:"dropped,omitempty"` // a revision installed by hand that is being removed
	left4me.Revision
}

func readNotes(dir string, number int) (notes, error) {
	var n notes
	data, err := readSmall(filepath.Join(dir, strconv.Itoa(number)+notesSuffix), 256<<20)
	if err == nil {
		err = json.Unmarshal(data, &n)
	}
	if err == nil && (n.V != recordVersion || n.Number != number) {
		err = errRecord
	}
	return n, err
}

func notFound(n left4me.Name, number int) error {
	if number == 0 {
		return left4me.NewError(left4me.NotFound, "overlay.no_revision_on_host", "overlay", n).InField("overlays")
	}
	return left4me.NewError(left4me.NotFound, "overlay.revision_not_on_host", "overlay", n, "revision", number).InField("overlays")
}

// find returns a revision of an overlay; number 0 means the current one. Errors: left4me.NotFound.
func (rs *records) find(n left4me.Name, number int) (record, revision, error) {
	if !n.Valid() {
		return record{}, revision{}, notFound(n, number)
	}
	r, err := load(rs.layout.overlay(n))
	if err != nil {
		return r, revision{}, fmt.Errorf("overlay %s: %w", n, err)
	}
	at := number
	if at == 0 {
		at = r.Current
	}
	v, ok := r.get(at)
	if !ok {
		return r, v, notFound(n, number)
	}
	return r, v, nil
}
