package steamcmd

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/left4me/left4me/internal/durable"
	"github.com/left4me/left4me/internal/left4me"
)

// ValveURL is Valve's download address of SteamCMD.
const ValveURL = "https://steamcdn-a.akamaihd.net/client/installer/steamcmd_linux.tar.gz"

// Limits for the archive. Valve's has 3 MB and a few files.
const (
	maxArchive  = 64 << 20
	maxUnpacked = 256 << 20
	maxFiles    = 200
	fetchWithin = 30 * time.Minute
	answerIn    = 30 * time.Second
)

// Fetch downloads SteamCMD from address, or from ValveURL if address is empty, and unpacks it to
// dir. It creates the parent of dir and replaces an existing dir. dir changes only if the whole
// archive was unpacked and this machine has the libraries that SteamCMD needs. report, which may be
// nil, receives the downloaded bytes.
//
// The address must use https unless it is on loopback. No content of the
// archive is written outside dir and its temporary sibling.
func Fetch(ctx context.Context, address, dir string, report func(left4me.Progress)) error {
	if address == "" {
		address = ValveURL
	}
	if err := checkAddress(address); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return notWritable(parent, err)
	}
	sweep(parent)
	temp, err := os.MkdirTemp(parent, fetching)
	if err != nil {
		return notWritable(parent, err)
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil { // servers load libraries from this directory
		return err
	}
	if err := download(ctx, address, temp, report); err != nil {
		return err
	}
	t := Tool{Script: filepath.Join(temp, "steamcmd.sh")}
	if why := program(t.Script); why != nil {
		return left4me.NewError(left4me.Unavailable, "steamcmd.not_what_came", "address", address, "error", why)
	}
	if err := t.Libraries(); err != nil {
		return err
	}
	return replace(temp, dir)
}

// fetching is the name pattern of directories that are being filled.
const fetching = ".steamcmd-*"

// sweep removes directories of downloads that were killed.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, fetching))
	for _, dir := range left {
		if info, err := os.Lstat(dir); err == nil && time.Since(info.ModTime()) > 2*fetchWithin {
			_ = os.RemoveAll(dir)
		}
	}
}

// checkAddress rejects addresses whose answer could be changed in transit.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "https" && u.Host != "" || u.Scheme == "http" && onLoopback(u.Hostname())) {
		return nil
	}
	return left4me.NewError(left4me.Invalid, "steamcmd.address_insecure", "address", address).InField("LEFT4ME_STEAMCMD_URL")
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func download(ctx context.Context, address, into string, report func(left4me.Progress)) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerIn
	transport.DisableCompression = true
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, CheckRedirect: func(to *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("it is sent on and on")
		}
		return checkAddress(to.URL.String())
	}}
	resp, err := client.Do(req)
	if err != nil {
		return notFetched(ctx, address, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return notFetched(ctx, address, errors.New(resp.Status))
	}
	body := &counter{r: io.LimitReader(resp.Body, maxArchive+1), total: max(0, resp.ContentLength), report: report, began: time.Now()}
	if err := unpack(body, into); err != nil {
		var w *writeError
		if errors.As(err, &w) {
			return notWritable(into, w.err)
		}
		return notFetched(ctx, address, err)
	}
	return nil
}

func notFetched(ctx context.Context, address string, err error) error {
	if ctx.Err() != nil && errors.Is(context.Cause(ctx), context.Canceled) {
		return context.Cause(ctx)
	}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	return left4me.NewError(left4me.Unavailable, "steamcmd.not_fetched", "address", address, "reason", err).Because(errors.Join(Offline,
		err))
}

// writeError is a local write failure, as opposed to a bad archive.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }

// unpack unpacks a compressed archive into a directory. It accepts files, directories, and symbolic
// links that stay inside.
func unpack(r io.Reader, into string) error {
	root, err := os.OpenRoot(into)
	if err != nil {
		return &writeError{err}
	}
	defer root.Close()
	zip, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("it is no archive: %w", err)
	}
	files, left := tar.NewReader(zip), int64(maxUnpacked)
	for n := 0; ; n++ {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the archive is broken: %w", err)
		}
		if left -= h.Size; left < 0 || n == maxFiles {
			return errors.New("the archive is far too large")
		}
		if err := entry(root, h, files); err != nil {
			return err
		}
	}
}

// entry unpacks one entry of an archive.
func entry(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(h.Name)
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(name) {
		return fmt.Errorf("the archive names a file outside of it: %q", h.Name)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return &writeError{err}
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.MkdirAll(name, 0o755); err != nil {
			return &writeError{err}
		}
	case tar.TypeSymlink:
		if !filepath.IsLocal(path.Join(path.Dir(name), h.Linkname)) || path.IsAbs(h.Linkname) {
			return fmt.Errorf("the archive has a link to outside: %q", h.Name)
		}
		if err := root.Symlink(h.Linkname, name); err != nil {
			return &writeError{err}
		}
	case tar.TypeReg:
		return unpackFile(root, name, h.FileInfo().Mode(), content)
	default:
		return fmt.Errorf("the archive has something that is no file: %q", h.Name)
	}
	return nil
}

func unpackFile(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return &writeError{err}
	}
	defer f.Close()
	src := &reader{r: content}
	if _, err := io.Copy(f, src); err != nil {
		if src.err != nil {
			return fmt.Errorf("the archive is broken: %w", src.err)
		}
		return &writeError{err}
	}
	if err := errors.Join(f.Chmod(perm), durable.Close(f)); err != nil {
		return &writeError{err}
	}
	return nil
}

// reader records read errors, which io.Copy does not distinguish from write errors.
type reader struct {
	r   io.Reader
	err error
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// counter reports the bytes read and fails above the limit.
type counter struct {
	r           io.Reader
	done, total int64
	report      func(left4me.Progress)
	began       time.Time
	rate        rate
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if c.done += int64(n); c.done > maxArchive {
		return n, errors.New("it is far too large")
	}
	if c.report != nil && n > 0 {
		c.report(left4me.Progress{Done: c.done, Total: c.total, Unit: "bytes", Rate: c.rate.add(c.done, time.Now())})
	}
	return n, err
}

// replace moves the directory temp to dir and removes the previous dir.
func replace(temp, dir string) error {
	old := temp + ".old"
	err := os.Rename(dir, old)
	if errors.Is(err, fs.ErrNotExist) {
		old = ""
	} else if err != nil {
		return notWritable(dir, err)
	}
	if err := os.Rename(temp, dir); err != nil {
		if old != "" {
			err = errors.Join(err, os.Rename(old, dir))
		}
		return notWritable(dir, err)
	}
	if old != "" {
		_ = os.RemoveAll(old)
	}
	return durable.SyncDir(filepath.Dir(dir))
}
