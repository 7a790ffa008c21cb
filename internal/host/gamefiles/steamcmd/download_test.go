package steamcmd_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/host/gamefiles/steamcmd"
	"github.com/left4me/left4me/internal/left4me"
)

// archive returns a compressed archive with the given entries. Files contain zeros; a file without
// a size gets one byte.
func archive(tb testing.TB, entries ...tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	t := tar.NewWriter(zip)
	for _, h := range entries {
		if h.Typeflag == tar.TypeReg && h.Size == 0 {
			h.Size = 1
		}
		err := t.WriteHeader(&h)
		if h.Size > 1<<20 { // a reader that trusts the header fails before reading the content
			_ = zip.Close()
			return b.Bytes()
		}
		if h.Typeflag == tar.TypeReg {
			_, errWrite := t.Write(make([]byte, h.Size))
			err = errors.Join(err, errWrite)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	if err := errors.Join(t.Close(), zip.Close()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// serve starts a server with a fixed answer and returns its address.
func serve(tb testing.TB, status int, body []byte) string {
	tb.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}))
	tb.Cleanup(s.Close)
	return s.URL + "/steamcmd_linux.tar.gz"
}

func TestFetchedSteamCMDRuns(t *testing.T) {
	root := t.TempDir()
	packed := filepath.Join(root, "steamcmd_linux.tar.gz")
	if out, err := exec.Command(program, "pack", packed, "SIM_STEAM_BUILD=3").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(packed)
	if err != nil {
		t.Fatal(err)
	}
	address, dir := serve(t, http.StatusOK, b), steamcmd.Fetched(root)
	write(t, filepath.Join(dir, "old"), "", 0o644)
	var last left4me.Progress
	if err := steamcmd.Fetch(t.Context(), address, dir, func(p left4me.Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if last.Done != int64(len(b)) || last.Unit != "bytes" {
		t.Errorf("got progress %+v for %d bytes", last, len(b))
	}
	tool, err := steamcmd.Find("", root)
	if err != nil {
		t.Fatal(err)
	}
	if build, err := tool.Latest(t.Context(), steamcmd.App, ""); err != nil || build != 15800003 {
		t.Errorf("got %d, %v", build, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) != 2 { // steamcmd and its home directory
		t.Errorf("got %v", entries)
	}
}

func TestFetchRejectsBadArchives(t *testing.T) {
	script := tar.Header{Typeflag: tar.TypeReg, Name: "steamcmd.sh", Mode: 0o755}
	whole := archive(t, script)
	for name, body := range map[string][]byte{
		"HTML page":       []byte("<html>log in to this network</html>"),
		"empty":           {},
		"truncated":       whole[:len(whole)/2],
		"no script":       archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "readme", Mode: 0o644}),
		"not executable":  archive(t, tar.Header{Typeflag: tar.TypeReg, Name: "steamcmd.sh", Mode: 0o644}),
		"path outside":    archive(t, script, tar.Header{Typeflag: tar.TypeReg, Name: "../out", Mode: 0o644}),
		"absolute path":   archive(t, script, tar.Header{Typeflag: tar.TypeReg, Name: "/etc/out", Mode: 0o644}),
		"link to outside": archive(t, script, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "../../out"}),
		"absolute link":   archive(t, script, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "/etc"}),
		"file through a link": archive(t, script, tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: ".."},
			tar.Header{Typeflag: tar.TypeReg, Name: "l/out", Mode: 0o644}),
		"hard link":         archive(t, script, tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: "steamcmd.sh"}),
		"device":            archive(t, script, tar.Header{Typeflag: tar.TypeChar, Name: "d"}),
		"archive bomb":      archive(t, script, tar.Header{Typeflag: tar.TypeReg, Name: "zeros", Size: 300 << 20}),
		"duplicate file":    archive(t, script, script),
		"hundreds of files": archive(t, many(300)...),
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			dir := steamcmd.Fetched(root)
			err := steamcmd.Fetch(t.Context(), serve(t, http.StatusOK, body), dir, nil)
			if e, ok := left4me.Public(err); !ok || e.Hint == "" {
				t.Errorf("got %v", err)
			}
			if entries, _ := os.ReadDir(filepath.Dir(dir)); len(entries) > 0 {
				t.Errorf("files left: %v", entries)
			}
			if _, err := os.Stat(filepath.Join(root, "out")); err == nil {
				t.Error("a file was written outside the directory")
			}
		})
	}
}

func many(n int) []tar.Header {
	all := make([]tar.Header, n)
	for i := range all {
		all[i] = tar.Header{Typeflag: tar.TypeReg, Name: strings.Repeat("a", i%90+1) + "/" + strings.Repeat("b", i/90+1), Mode: 0o644}
	}
	return all
}

func TestFetchReportsFailedDownloads(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler("http://example.org/steamcmd.tar.gz", http.StatusFound))
	defer elsewhere.Close()
	for address, want := range map[string]string{
		serve(t, http.StatusNotFound, nil): "404",
		gone.URL:                           "connection refused",
		elsewhere.URL:                      "does not use https",
	} {
		err := steamcmd.Fetch(t.Context(), address, filepath.Join(t.TempDir(), "steamcmd"), nil)
		if !errors.Is(err, left4me.Unavailable) || !errors.Is(err, steamcmd.Offline) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", address, err)
		}
	}
	for _, address := range []string{
		"http://example.org/steamcmd.tar.gz", "ftp://example.org/", "steamcmd.tar.gz", "https://",
		"http://127.0.0.1.example.org/x",
	} {
		if err := steamcmd.Fetch(t.Context(), address, filepath.Join(t.TempDir(), "steamcmd"), nil); !errors.Is(err, left4me.Invalid) {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

func TestFetchCanBeCancelled(t *testing.T) {
	asked := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if err := steamcmd.Fetch(ctx, s.URL, filepath.Join(t.TempDir(), "steamcmd"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
