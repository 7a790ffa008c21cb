package uploads

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/control/accounts"
	"github.com/left4me/left4me/internal/disk"
	"github.com/left4me/left4me/internal/hostfs"
	"github.com/left4me/left4me/internal/left4me"
)

const (
	maxPath = 1024 // bytes
	maxName = 255  // bytes of a part of a path
	maxDeep = 32
	chunk   = 256 << 10
	// spaceEvery is the number of bytes between two checks of the free space.
	spaceEvery = 64 << 20
	syncEvery  = 16 << 20

	// maxAhead is how far a piece may be ahead of the received data, and aheadTimeout how long it
	// waits while no data arrives.
	maxAhead     = 16 << 20
	aheadTimeout = 2 * time.Second
)

// Write appends a piece to a file and creates the file with its first piece. offset must be the
// number of bytes received so far; size is that of the whole file, or -1 while unknown. A piece
// less than 16 MiB ahead waits for the earlier ones, until no data has arrived for 2 s. Different
// files may be written concurrently. A new writer of a file takes it over, and earlier writers,
// whose connections may be dead, are refused.
//
// Write returns the current state of the File, also with an error. Errors: left4me.NotFound,
// left4me.Invalid for a path or a size, left4me.Conflict if offset is wrong, left4me.DiskFull if
// the disk is almost full. Errors of r are returned unchanged, and the data received before is
// kept.
func (u *Uploads) Write(ctx context.Context, by accounts.Actor, id, name string, offset, size int64, r io.Reader) (File, error) {
	up, err := u.find(ctx, by, id)
	if err != nil {
		return File{}, err
	}
	name, err = checkPath(name)
	if err != nil {
		return File{}, err
	}
	if offset < 0 || size < -1 || size > MaxBytes || size >= 0 && offset > size {
		return File{}, left4me.NewError(left4me.Invalid, "upload.offset_invalid", "offset", offset, "size", size).InField("query.offset")
	}
	if err := u.checkSpace(ctx, max(size-offset, 0)); err != nil {
		return File{}, err
	}
	up.await(ctx, name, offset)
	f, writer, err := up.begin(ctx, name, offset, size)
	switch {
	case err != nil:
	case writer == complete:
		err = up.refuseExtra(r, f)
	default:
		err = u.fill(ctx, up, f, writer, r)
	}
	return up.state(f), err
}

// drained exceeds the longest piece that left4me's own clients send.
const drained = 20 << 20

// Drain reads the rest of a refused piece. A proxy that cannot send a complete request answers with
// an error page of its own (Apache 2.4: status 502), and the user would not learn why the piece was
// refused.
func Drain(r io.Reader) { _, _ = io.CopyN(io.Discard, r, drained) }

// await blocks until a piece need not wait for earlier pieces, or has waited too long. begin then
// accepts or refuses it.
func (up *upload) await(ctx context.Context, name string, offset int64) {
	patience := time.NewTimer(aheadTimeout)
	defer patience.Stop()
	for {
		moved := up.ahead(name, offset)
		if moved == nil {
			return
		}
		select {
		case <-moved:
			patience.Reset(aheadTimeout)
		case <-patience.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// ahead returns a channel that is closed when more data arrives, if offset is ahead of a file,
// otherwise nil.
func (up *upload) ahead(name string, offset int64) <-chan struct{} {
	up.mu.Lock()
	defer up.mu.Unlock()
	f := up.byPath[name]
	if up.closed || f == nil || f.settled || offset <= f.Have || offset-f.Have > maxAhead {
		return nil
	}
	if up.arrived == nil {
		up.arrived = make(chan struct{})
	}
	return up.arrived
}

// wake wakes all calls of await. up.mu must be held.
func (up *upload) wake() {
	if up.arrived != nil {
		close(up.arrived)
		up.arrived = nil
	}
}

// complete is the writer number of a complete file.
const complete = -1

// begin makes the caller the writer of a file at offset, and adds the file if it is new.
func (up *upload) begin(ctx context.Context, name string, offset, size int64) (*file, int, error) {
	up.mu.Lock()
	defer up.mu.Unlock()
	if up.closed {
		return nil, 0, notFound(up.ID)
	}
	f := up.byPath[name]
	if f == nil {
		if offset != 0 {
			return nil, 0, conflict(name, 0)
		}
		if err := up.mayAdd(name); err != nil {
			return nil, 0, err
		}
		f = &file{File: File{Path: name, Size: -1}, number: len(up.files)}
		if err := up.grow(f, size); err != nil {
			return nil, 0, err
		}
		f.Size = size
		if err := up.write(ctx, logLine{File: f.number, Path: name, Size: size}); err != nil {
			return nil, 0, err
		}
		up.add(f)
		f.writer++
		return f, f.writer, nil
	}
	switch {
	case f.Have != offset:
		return f, 0, conflict(name, f.Have)
	case f.settled:
		return f, complete, nil // the previous answer was lost
	case size >= 0 && f.Size >= 0 && size != f.Size:
		return f, 0, left4me.NewError(left4me.Invalid, "upload.size_changed", "path", name, "announced", f.Size, "size",
			size).InField("query.size")
	case size >= 0 && f.Size < 0:
		if err := up.grow(f, size); err != nil {
			return f, 0, err
		}
		if err := up.write(ctx, logLine{File: f.number, Path: name, Size: size}); err != nil {
			return f, 0, err
		}
		f.Size = size
	}
	f.writer++
	return f, f.writer, nil
}

// mayAdd checks a new file for conflicts with the existing ones.
func (up *upload) mayAdd(name string) error {
	if len(up.files) >= MaxFiles {
		return left4me.NewError(left4me.Invalid, "upload.too_many_files", "limit", MaxFiles)
	}
	for p := name; ; p = path.Dir(p) {
		if was, ok := up.byLower[strings.ToLower(p)]; ok && was != p {
			return left4me.NewError(left4me.Invalid, "upload.path_differs_by_case", "path", shown(name), "other", was).InField("query.path")
		}
		if _, ok := up.byPath[p]; ok && p != name {
			return left4me.NewError(left4me.Invalid, "upload.path_within_file", "path", shown(name), "other", p).InField("query.path")
		}
		if !strings.Contains(p, "/") {
			break
		}
	}
	if _, ok := up.byLower[strings.ToLower(name)]; ok {
		return left4me.NewError(left4me.Invalid, "upload.path_is_directory", "path", shown(name)).InField("query.path")
	}
	return nil
}

// grow reserves the announced size of a file.
func (up *upload) grow(f *file, size int64) error {
	more := max(size, f.Have) - max(f.Size, f.Have)
	if up.bytes+more > MaxBytes {
		return left4me.NewError(left4me.Invalid, "upload.too_large", "limit", left4me.Bytes(MaxBytes))
	}
	up.bytes += more
	return nil
}

// buffers pools buffers of chunk bytes, because small pieces arrive by the thousand.
var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

// fill writes data until r ends or another request becomes the writer of the file.
func (u *Uploads) fill(ctx context.Context, up *upload, f *file, writer int, r io.Reader) error {
	out, err := u.host.OpenWriter(ctx, up.part(f))
	if err != nil {
		return err
	}
	defer out.Close()
	buf := buffers.Get().(*[chunk]byte)[:]
	defer buffers.Put((*[chunk]byte)(buf))
	var since, all int64
	var failed error
	for failed == nil {
		var n int
		n, failed = r.Read(buf)
		if failed == nil {
			failed = ctx.Err()
		}
		if n == 0 {
			continue
		}
		if since += int64(n); since >= spaceEvery {
			since = 0
			if err := u.checkSpace(ctx, 0); err != nil {
				failed = err
				break
			}
		}
		if err := up.put(out, f, writer, buf[:n]); err != nil {
			return err
		}
		all += int64(n)
	}
	if errors.Is(failed, io.EOF) {
		failed = nil
	}
	return errors.Join(failed, u.settle(context.WithoutCancel(ctx), up, f, writer, out, all))
}

// refuseExtra refuses data after the end of a complete file.
func (up *upload) refuseExtra(r io.Reader, f *file) error {
	var b [1]byte
	if n, _ := io.ReadFull(r, b[:]); n == 0 {
		return nil
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	return errTooLong(f)
}

func errTooLong(f *file) error {
	return left4me.NewError(left4me.Invalid, "upload.file_too_long", "path", f.Path, "size", f.Size).InField("query.size")
}

// put appends bytes to a file.
func (up *upload) put(out hostfs.Writer, f *file, writer int, b []byte) error {
	up.mu.Lock()
	defer up.mu.Unlock()
	switch {
	case up.closed:
		return notFound(up.ID)
	case f.writer != writer:
		return left4me.NewError(left4me.Conflict, "upload.file_busy", "path", f.Path)
	case f.Size >= 0 && f.Have+int64(len(b)) > f.Size:
		return errTooLong(f)
	case f.Size < 0:
		if err := up.grow(f, f.Have+int64(len(b))); err != nil {
			return err
		}
	}
	n, err := out.WriteAt(b, f.Have)
	f.Have += int64(n)
	up.wake()
	if disk.IsFull(err) {
		where := up.part(f)
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			where = at.Path
		}
		return fullDisk(where, int64(len(b)-n), err)
	}
	return err
}

// settle makes received data survive a power failure, and moves a complete file to its place.
func (u *Uploads) settle(ctx context.Context, up *upload, f *file, writer int, out hostfs.Writer, wrote int64) error {
	defer u.changed.Ring()
	if up.needsSync(f, wrote) {
		if err := out.Sync(); err != nil {
			return err
		}
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	if up.closed || f.writer != writer {
		return nil
	}
	up.TouchedAt = u.now()
	if f.Size < 0 || f.Have != f.Size || f.settled {
		return nil
	}
	return up.move(ctx, f)
}

// needsSync adds written bytes, and reports whether the file must be synced: when it is complete,
// and often enough that a power failure loses little. After a failure, the size on disk is the
// number of received bytes; a sender that is ahead of it receives it with the next answer. Syncing every piece
// would slow down small pieces, which some proxies require.
func (up *upload) needsSync(f *file, wrote int64) bool {
	up.mu.Lock()
	defer up.mu.Unlock()
	f.unsynced += wrote
	if f.unsynced < syncEvery && (f.Size < 0 || f.Have < f.Size) {
		return false
	}
	due := f.unsynced > 0
	f.unsynced = 0
	return due
}

// move moves a complete file to its place.
func (up *upload) move(ctx context.Context, f *file) error {
	if err := up.host.Rename(ctx, up.part(f), up.whole(f)); err != nil {
		return err
	}
	f.settled = true
	return nil
}

func (up *upload) state(f *file) File {
	if f == nil {
		return File{}
	}
	up.mu.Lock()
	defer up.mu.Unlock()
	return f.File
}

// checkSpace refuses data that would fill the disk.
func (u *Uploads) checkSpace(ctx context.Context, more int64) error {
	left, err := u.free(ctx)
	if err != nil {
		return err
	}
	if left.Free < more || left.Free <= 0 {
		return fullDisk(left.Path, more, nil)
	}
	return nil
}

func fullDisk(path string, need int64, cause error) error {
	e := disk.Full(path, need, cause)
	return left4me.NewError(left4me.DiskFull, "upload.disk_full", "error", e).Because(e)
}

func conflict(name string, have int64) error {
	return left4me.NewError(left4me.Conflict, "upload.offset_wrong", "have", have, "path", name).InField("query.offset")
}

func shown(name string) string { return shorten(strings.ToValidUTF8(name, "?")) }

// checkPath returns a valid path: relative, slash-separated, and without control characters.
func checkPath(name string) (string, error) {
	switch {
	case name == "":
		return "", left4me.NewError(left4me.Invalid, "upload.path_empty", "path", shown(name)).InField("query.path")
	case len(name) > maxPath:
		return "", left4me.NewError(left4me.Invalid, "upload.path_too_long", "path", shown(name)).InField("query.path")
	case !utf8.ValidString(name):
		return "", left4me.NewError(left4me.Invalid, "upload.path_not_utf8", "path", shown(name)).InField("query.path")
	case name[0] == '/':
		return "", left4me.NewError(left4me.Invalid, "upload.path_absolute", "path", shown(name)).InField("query.path")
	case strings.ContainsFunc(name, unicode.IsControl):
		return "", left4me.NewError(left4me.Invalid, "upload.path_control_characters", "path", shown(name)).InField("query.path")
	case strings.Contains(name, `\`):
		return "", left4me.NewError(left4me.Invalid, "upload.path_backslash", "path", shown(name)).InField("query.path")
	}
	parts := strings.Split(name, "/")
	if len(parts) > maxDeep {
		return "", left4me.NewError(left4me.Invalid, "upload.path_too_deep", "path", shown(name)).InField("query.path")
	}
	for _, p := range parts {
		switch {
		case p == "" || p == "." || p == "..":
			return "", left4me.NewError(left4me.Invalid, "upload.path_not_plain", "path", shown(name)).InField("query.path")
		case len(p) > maxName:
			return "", left4me.NewError(left4me.Invalid, "upload.path_name_too_long", "path", shown(name)).InField("query.path")
		}
	}
	return name, nil
}
