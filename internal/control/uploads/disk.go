package uploads

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
)

// upload is an Upload with its location on the host. Overlay is the host's name of the overlay. Of
// the Upload, only Overlay, Files, Moves and TouchedAt change.
type upload struct {
	Upload
	host hostfs.FS
	dir  string // its directory on the host

	mu      sync.Mutex
	files   []*file
	byPath  map[string]*file
	byLower map[string]string // paths and their directories, by their lower-case form
	bytes   int64             // received or announced
	closed  bool
	arrived chan struct{} // closed when more data arrives; nil while no request waits
}

// file is a File that is being written.
type file struct {
	File
	number  int
	writer  int // identifies the current writer; a newer writer replaces it
	settled bool

	unsynced int64 // bytes that may not be on the disk yet
}

// logHead is the first line of upload.log.
type logHead struct {
	By        string       `json:"by"`
	ByID      int64        `json:"by_id,omitempty"` // absent in uploads created by older versions
	Overlay   left4me.Name `json:"overlay"`
	CreatedAt time.Time    `json:"created_at"`
}

// logLine is any other line of upload.log. It records a new file, or the size of a file once known,
// or, if Overlay is set, that the upload is now for another overlay.
type logLine struct {
	File    int          `json:"file"`
	Path    string       `json:"path"`
	Size    int64        `json:"size"`
	Overlay left4me.Name `json:"overlay,omitempty"`
}

func (up *upload) part(f *file) string  { return path.Join(up.dir, "parts", strconv.Itoa(f.number)) }
func (up *upload) whole(f *file) string { return path.Join(up.dir, "files", f.Path) }
func (up *upload) logFile() string      { return path.Join(up.dir, "upload.log") }
func (up *upload) movesFile() string    { return path.Join(up.dir, "moves.json") }

// create creates the directory of an upload. The upload exists once its log does.
func (up *upload) create(ctx context.Context) error {
	for _, d := range []string{"parts", "files"} {
		if err := up.host.MakeDir(ctx, path.Join(up.dir, d)); err != nil {
			return err
		}
	}
	return up.write(ctx, logHead{By: up.By, ByID: up.ByID, Overlay: up.Overlay, CreatedAt: up.CreatedAt})
}

// write appends a line to the log.
func (up *upload) write(ctx context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return up.host.Append(ctx, up.logFile(), append(b, '\n'))
}

// ids returns the ids of the uploads on the disk, oldest first.
func (u *Uploads) ids(ctx context.Context) ([]string, error) {
	entries, err := u.host.List(ctx, tmp)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type dated struct {
		id string
		at time.Time
	}
	var all []dated
	for _, e := range entries {
		id, ok := strings.CutPrefix(e.Name, prefix)
		if !ok || !validID(id) || !e.Dir {
			continue
		}
		if up := u.open[id]; up != nil {
			all = append(all, dated{id, up.CreatedAt})
		} else if up, err := read(ctx, u.host, path.Join(tmp, e.Name), id); err == nil {
			u.open[id] = up
			all = append(all, dated{id, up.CreatedAt})
		}
	}
	slices.SortFunc(all, func(a, b dated) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	ids := make([]string, len(all))
	for i, d := range all {
		ids[i] = d.id
	}
	return ids, nil
}

// load returns an upload, and reads it from the disk after a restart of left4me. u.mu must be held.
func (u *Uploads) load(ctx context.Context, id string) (*upload, error) {
	dir := path.Join(tmp, prefix+id)
	if _, err := u.host.Stat(ctx, dir); err != nil {
		delete(u.open, id) // a job has consumed it
		return u.loadSent(ctx, id)
	}
	if up := u.open[id]; up != nil {
		return up, nil
	}
	up, err := read(ctx, u.host, dir, id)
	if err != nil {
		return nil, err
	}
	u.open[id] = up
	return up, nil
}

// loadSent returns a published upload, which is kept so that file names in its archives can be
// decoded again with another encoding. It accepts no more data.
func (u *Uploads) loadSent(ctx context.Context, id string) (*upload, error) {
	up, err := read(ctx, u.host, path.Join(tmp, sentPrefix+id), id)
	if err != nil {
		return nil, err
	}
	up.closed = true
	return up, nil
}

func (u *Uploads) find(ctx context.Context, by accounts.Actor, id string) (*upload, error) {
	if !validID(id) {
		return nil, notFound(id)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	up, err := u.load(ctx, id)
	if err != nil {
		return nil, err
	}
	if !mayUse(by, up) {
		return nil, notFound(id)
	}
	return up, nil
}

// read reads an upload from the disk. A crash can only truncate the last line, which belongs to a
// piece that was never acknowledged.
func read(ctx context.Context, host hostfs.FS, dir, id string) (*upload, error) {
	up := &upload{Upload: Upload{ID: id}, host: host, dir: dir, byPath: map[string]*file{}, byLower: map[string]string{}}
	log, err := host.Open(ctx, up.logFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound(id)
	}
	if err != nil {
		return nil, err
	}
	defer log.Close()
	up.TouchedAt = log.Info().ModTime
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<16)
	var h logHead
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil {
		return nil, notFound(id)
	}
	up.By, up.ByID, up.Overlay, up.CreatedAt = h.By, h.ByID, h.Overlay, h.CreatedAt
	if err := up.readMoves(ctx); err != nil {
		return nil, fmt.Errorf("upload %s: %w", id, err)
	}
	torn := false
	for lines.Scan() {
		var l logLine
		if torn = json.Unmarshal(lines.Bytes(), &l) != nil; torn {
			continue // the text after a truncated line starts with its rest
		}
		if err := up.replay(l); err != nil {
			return nil, fmt.Errorf("upload %s: %w", id, err)
		}
	}
	if torn {
		// Ends the truncated line, so that the next one starts on a line of its own.
		if err := host.Append(ctx, up.logFile(), []byte("\n")); err != nil {
			return nil, err
		}
	}
	for _, f := range up.files {
		up.measure(ctx, f)
		if !f.settled && f.Have == f.Size && f.Size > 0 {
			if err := up.move(ctx, f); err != nil {
				return nil, err
			}
		}
	}
	return up, lines.Err()
}

func (up *upload) replay(l logLine) error {
	switch {
	case l.Overlay != "":
		up.Overlay = l.Overlay
	case l.File == len(up.files):
		if _, err := checkPath(l.Path); err != nil {
			return err
		}
		up.add(&file{File: File{Path: l.Path, Size: l.Size}, number: l.File})
	case l.File >= 0 && l.File < len(up.files):
		up.files[l.File].Size = l.Size
	}
	return nil
}

func (up *upload) add(f *file) {
	up.files = append(up.files, f)
	up.byPath[f.Path] = f
	for p := f.Path; ; p = p[:strings.LastIndexByte(p, '/')] {
		up.byLower[strings.ToLower(p)] = p
		if !strings.Contains(p, "/") {
			break
		}
	}
}

// measure determines how much of a file has been received.
func (up *upload) measure(ctx context.Context, f *file) {
	for _, name := range []string{up.whole(f), up.part(f)} {
		st, err := up.host.Stat(ctx, name)
		if err != nil || !st.Regular {
			continue
		}
		f.Have = st.Size
		f.settled = name != up.part(f)
		up.bytes += max(f.Have, f.Size)
		if st.ModTime.After(up.TouchedAt) {
			up.TouchedAt = st.ModTime
		}
		return
	}
	up.bytes += max(0, f.Size)
}

func (up *upload) copy() Upload {
	up.mu.Lock()
	defer up.mu.Unlock()
	v := up.Upload
	v.Moves = slices.Clone(up.Moves)
	v.Files = make([]File, len(up.files))
	for i, f := range up.files {
		v.Files[i] = f.File
	}
	return v
}

// shown returns a copy with the current name of the overlay.
func (up *upload) shown(names left4me.OverlayNames) Upload {
	v := up.copy()
	v.Overlay = names.Shown(v.Overlay)
	return v
}

// assign changes the overlay that the upload is for, with its name on the host.
func (up *upload) assign(ctx context.Context, overlay left4me.Name) error {
	up.mu.Lock()
	defer up.mu.Unlock()
	if up.closed {
		return notFound(up.ID) // it was published
	}
	if err := up.write(ctx, logLine{Overlay: overlay}); err != nil {
		return fmt.Errorf("assign upload %s: %w", up.ID, disk.Explain(err))
	}
	up.Overlay = overlay
	return nil
}

// remember merges moves into the existing ones.
func (up *upload) remember(ctx context.Context, moves []left4me.FolderMove) error {
	up.mu.Lock()
	defer up.mu.Unlock()
	all := left4me.JoinMoves(up.Moves, moves)
	b, err := json.Marshal(all)
	if err == nil {
		err = up.host.Put(ctx, up.movesFile(), b)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return notFound(up.ID) // a job has consumed it
	}
	if err != nil {
		return fmt.Errorf("move folders of upload %s: %w", up.ID, disk.Explain(err))
	}
	up.Moves = all
	return nil
}

// readMoves reads the moves made by users. An unreadable list counts as empty: users see the
// placement of all files in the plan.
func (up *upload) readMoves(ctx context.Context) error {
	f, err := up.host.Open(ctx, up.movesFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if json.Unmarshal(b, &up.Moves) != nil {
		up.Moves = nil
	}
	return nil
}

func (up *upload) touch(ctx context.Context, now time.Time) {
	up.mu.Lock()
	defer up.mu.Unlock()
	up.TouchedAt = now
	_ = up.host.Touch(ctx, up.logFile(), now) // only used after a restart
}

// drop deletes an upload. It renames the directory first, so that an interrupted deletion leaves no
// partial upload.
func (u *Uploads) drop(ctx context.Context, up *upload) error {
	defer u.changed.Ring()
	up.mu.Lock()
	up.closed = true
	up.wake()
	up.mu.Unlock()
	u.mu.Lock()
	delete(u.open, up.ID)
	u.mu.Unlock()
	gone := path.Join(tmp, "gone-"+prefix+up.ID)
	if err := u.host.Rename(ctx, up.dir, gone); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a job has consumed it
		}
		return err
	}
	return u.host.Remove(ctx, gone)
}

// sweep deletes abandoned uploads and leftovers of crashes.
func (u *Uploads) sweep(ctx context.Context) {
	entries, err := u.host.List(ctx, tmp)
	if err != nil {
		return // no upload has been created yet
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name, "gone-"+prefix) {
			_ = u.host.Remove(ctx, path.Join(tmp, e.Name)) // retried by the next sweep
			continue
		}
		if strings.HasPrefix(e.Name, sentPrefix) {
			u.sweepSent(ctx, e.Name)
			continue
		}
		id, ok := strings.CutPrefix(e.Name, prefix)
		if !ok || !validID(id) {
			continue
		}
		u.mu.Lock()
		up, err := u.load(ctx, id)
		u.mu.Unlock()
		if err != nil {
			// The directory has no log, because of a crash while it was created.
			if u.now().Sub(e.ModTime) > Keep {
				_ = u.host.Remove(ctx, path.Join(tmp, e.Name))
			}
			continue
		}
		if v := up.copy(); u.now().Sub(v.TouchedAt) > Keep {
			u.log.InfoContext(ctx, "upload dropped: nobody went on with it", "upload", id, "overlay", v.Overlay, "by", v.By,
				"since", v.TouchedAt)
			if err := u.drop(ctx, up); err != nil {
				u.log.ErrorContext(ctx, "drop upload", "upload", id, "err", err)
			}
		}
	}
}

// space returns the free space of the disk, less a reserve for servers that write.
func (u *Uploads) space(ctx context.Context) (hostfs.Space, error) {
	s, err := u.host.Space(ctx, tmp)
	s.Free -= min(s.Total/20, 5<<30)
	return s, err
}

// sweepSent deletes a published upload after its retention time.
func (u *Uploads) sweepSent(ctx context.Context, name string) {
	dir := path.Join(tmp, name)
	st, err := u.host.Stat(ctx, path.Join(dir, "sent.json"))
	if err != nil {
		st, err = u.host.Stat(ctx, dir) // sent.json is missing after a crash
	}
	if err == nil && u.now().Sub(st.ModTime) > left4me.KeepArchives {
		_ = u.host.Remove(ctx, dir) // retried by the next sweep
	}
}
