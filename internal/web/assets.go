package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/web/page"
)

// dist contains the files that script/gen builds from assets/.
//
//go:embed dist
var dist embed.FS

// asset is a served file. Its uncompressed bytes are read from the executable for each request: hardly any
// browser requests them, and a copy would double their memory.
type asset struct {
	kind string
	name string // path in dist
	zip  func() []byte
}

// assets holds scripts, style sheets and pictures. Their addresses contain a hash of the content, so that
// browsers may cache them permanently.
type assets struct {
	addresses map[string]string // addresses by file name
	files     map[string]asset  // files by the last part of the address
}

var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
}

// loadAssets returns the assets, which are loaded once per process. Each is compressed when a browser
// first requests it.
var loadAssets = sync.OnceValue(func() *assets {
	a := &assets{addresses: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(dist, "dist", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		f, err := dist.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return err
		}
		ext := path.Ext(name)
		base := path.Base(name)
		hashed := strings.TrimSuffix(base, ext) + "." + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:9]) + ext
		a.addresses[base] = "/assets/" + hashed
		a.files[hashed] = asset{kind: kinds[ext], name: name, zip: sync.OnceValue(func() []byte { return compressed(plain(name)) })}
		return nil
	})
	if err != nil {
		panic(err) // the files are embedded
	}
	return a
})

// plain returns the content of a file in dist.
func plain(name string) []byte {
	b, err := dist.ReadFile(name)
	if err != nil {
		panic(err) // the file is embedded
	}
	return b
}

func compressed(b []byte) []byte {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	_, _ = z.Write(b)
	_ = z.Close()
	return buf.Bytes()
}

// URL returns the address of a file.
func (a *assets) URL(name string) string { return a.addresses[name] }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("file")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int((365*24*time.Hour).Seconds()))+", immutable")
	h.Set("Vary", "Accept-Encoding")
	var body []byte
	if page.AcceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = f.zip()
	} else {
		body = plain(f.name)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}
