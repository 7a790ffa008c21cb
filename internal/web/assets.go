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

// What script/gen made of assets/.
//
//go:embed dist
var dist embed.FS

// asset is a file as it is served. Its plain bytes are read out of the program each time:
// kept, they would be there twice, and hardly any browser asks for them.
type asset struct {
	kind string
	name string // in dist
	zip  func() []byte
}

// assets are the files beside the pages. Their addresses hold a hash of what is
// in them, so that a browser may keep them for ever.
type assets struct {
	addresses map[string]string // by file name
	files     map[string]asset  // by the last part of the address
}

var kinds = map[string]string{
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
}

// loadAssets reads them, once for each process: they are small and few, and part of
// the program. Each is compressed when a browser first asks for it.
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
		panic(err) // they are part of the program
	}
	return a
})

// plain is the contents of a file of dist.
func plain(name string) []byte {
	b, err := dist.ReadFile(name)
	if err != nil {
		panic(err) // it is part of the program
	}
	return b
}

func compressed(b []byte) []byte {
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is one of the package's own
	}
	_, _ = z.Write(b)
	_ = z.Close()
	return buf.Bytes()
}

// URL is the address of a file by its name.
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
