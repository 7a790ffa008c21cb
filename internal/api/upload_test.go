package api_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/api/apitype"
	"github.com/left4me/left4me/internal/bus"
	"github.com/left4me/left4me/internal/left4me"
)

// piece returns the path of the request that sends a piece.
func piece(id, path string, offset, size int) string {
	return fmt.Sprintf("/api/v1/uploads/%s/file?path=%s&offset=%d&size=%d", id, url.QueryEscape(path), offset, size)
}

func (s *site) begin(t *testing.T) apitype.Upload {
	t.Helper()
	var u apitype.Upload
	a := s.call(t, "POST", "/api/v1/overlays/maps/uploads", nil)
	if a.status != http.StatusCreated {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	a.into(t, &u)
	return u
}

func TestUploadAcceptsPieces(t *testing.T) {
	s := newSite(t)
	u := s.begin(t)
	if u.By != "admin" || u.Overlay != "maps" || u.Complete != true || u.ExpiresAt.Before(time.Now().Add(47*time.Hour)) {
		t.Errorf("got %+v", u)
	}
	header := http.Header{"Authorization": {"Bearer " + s.admin}, "Content-Type": {"application/octet-stream"}}
	big := strings.Repeat("x", 3<<20) // larger than the body limit of other requests
	a := s.send(t, "PUT", piece(u.ID, "addons/ü m.vpk", 0, 4<<20), header, strings.NewReader(big))
	if a.status != http.StatusOK || a.header.Get("Upload-Offset") != "3145728" {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	a = s.send(t, "PUT", piece(u.ID, "addons/ü m.vpk", 0, 4<<20), header, strings.NewReader(big))
	if p := a.problem(t, http.StatusConflict, "query.offset"); a.header.Get("Upload-Offset") != "3145728" ||
		!strings.Contains(p.Hint, "3145728") {
		t.Errorf("the hint lacks the position: %s", a.body)
	}
	s.call(t, "POST", "/api/v1/uploads/"+u.ID+"/plan", map[string]any{}).problem(t, http.StatusUnprocessableEntity, "body.upload")
	s.send(t, "PUT", piece(u.ID, "addons/ü m.vpk", 3<<20, 4<<20), header, strings.NewReader(big)).problem(t,
		http.StatusUnprocessableEntity, "query.size")
	s.call(t, "GET", "/api/v1/uploads/"+u.ID, nil).into(t, &u)
	if len(u.Files) != 1 || u.Complete {
		t.Fatalf("got %+v", u)
	}
	a = s.send(t, "PUT", piece(u.ID, "addons/ü m.vpk", int(u.Files[0].Have), 4<<20), header, strings.NewReader(big[:4<<20-u.Files[0].Have]))
	if a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	if st, err := os.Stat(filepath.Join(s.root, "tmp", "upload-"+u.ID, "files", "addons", "ü m.vpk")); err != nil || st.Size() != 4<<20 {
		t.Fatal(st, err)
	}
	for _, bad := range []string{"../x", "/x", "a%00b"} {
		s.send(t, "PUT", "/api/v1/uploads/"+u.ID+"/file?size=1&path="+bad, header, strings.NewReader("x")).problem(t,
			http.StatusUnprocessableEntity, "query.path")
	}
	s.send(t, "PUT", piece("nothing", "a", 0, 1), header, strings.NewReader("x")).problem(t, http.StatusNotFound)
	s.send(t, "PUT", piece(u.ID, "a", 0, 1), withToken(s.guest), strings.NewReader("x")).problem(t,
		http.StatusForbidden)
	var all []apitype.Upload
	if s.call(t, "GET", "/api/v1/uploads", nil).into(t, &all); len(all) != 1 || all[0].ID != u.ID {
		t.Errorf("got %+v", all)
	}
	if a := s.call(t, "DELETE", "/api/v1/uploads/"+u.ID, nil); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
	s.call(t, "GET", "/api/v1/uploads/"+u.ID, nil).problem(t, http.StatusNotFound)
}

func TestInterruptedUploadKeepsReceivedBytes(t *testing.T) {
	s := newSite(t)
	u := s.begin(t)
	where, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", where.Host)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(c, "PUT %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\n\r\nabc", piece(u.ID, "a", 0, 10),
		s.admin)
	for len(u.Files) == 0 || u.Files[0].Have < 3 {
		s.call(t, "GET", "/api/v1/uploads/"+u.ID, nil).into(t, &u)
	}
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Upload-Offset") != "3" {
		t.Errorf("got %+v, error %v", res, err)
	}
	if res != nil {
		res.Body.Close()
	}
	c.Close()
	header := withToken(s.admin)
	if a := s.send(t, "PUT", piece(u.ID, "a", 3, 10), header, strings.NewReader("defghij")); a.status != http.StatusOK {
		t.Errorf("got status %d: %s", a.status, a.body)
	}
}

func TestPlanComesFromHost(t *testing.T) {
	s := newSite(t)
	u := s.begin(t)
	header := withToken(s.admin)
	if a := s.send(t, "PUT", piece(u.ID, "a.vpk", 0, 1), header, strings.NewReader("x")); a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	asked := make(chan bus.PlanRequest, 1)
	s.host.set(func() {
		s.host.plan = func(r bus.PlanRequest) left4me.Plan {
			asked <- r
			return left4me.Plan{Root: "left4dead2/addons", Count: 1}
		}
	})
	var p left4me.Plan
	s.call(t, "POST", "/api/v1/uploads/"+u.ID+"/plan",
		map[string]any{"import": map[string]any{"names": "gbk"}, "replace": true, "base": 3}).into(t, &p)
	r := <-asked
	if r.Overlay != "maps" || r.Change.Upload != u.ID || r.Change.Import.Names != "gbk" || !r.Change.Replace || r.Change.Base != 3 ||
		p.Root != "left4dead2/addons" || p.Files == nil {
		t.Errorf("got %+v, %+v", r, p)
	}
}

// The language of the first upload determines the encoding for short names in archives; later
// uploads do not change it.
func TestFirstUploadSetsArchiveNameEncoding(t *testing.T) {
	s := newSite(t)
	names := func() (v apitype.ArchiveNamesShown) {
		s.call(t, "GET", "/api/v1/archive-names", nil).into(t, &v)
		return v
	}
	if v := names(); v.Encoding != "automatic" || len(v.Encodings) < 30 || v.Encodings[0].Label == "" {
		t.Fatalf("got %+v", v)
	}
	s.begin(t) // overlay maps, no language
	if v := names(); v.Encoding != "automatic" {
		t.Errorf("got %+v", v)
	}
	begin := func(languages string) (u apitype.Upload) {
		header := http.Header{"Authorization": {"Bearer " + s.admin}, "Accept-Language": {languages}}
		s.send(t, "POST", "/api/v1/overlays/maps/uploads", header, nil).into(t, &u)
		return u
	}
	u := begin("zh-TW,zh;q=0.9,en;q=0.8")
	begin("ko")
	if v := names(); v.Encoding != "big5" {
		t.Errorf("got %+v", v)
	}
	header := withToken(s.admin)
	if a := s.send(t, "PUT", piece(u.ID, "a.zip", 0, 1), header, strings.NewReader("x")); a.status != http.StatusOK {
		t.Fatalf("got status %d: %s", a.status, a.body)
	}
	asked := make(chan bus.PlanRequest, 1)
	s.host.set(func() {
		s.host.plan = func(r bus.PlanRequest) left4me.Plan {
			asked <- r
			return left4me.Plan{}
		}
	})
	var p left4me.Plan
	plan := func(body map[string]any) left4me.Import {
		s.call(t, "POST", "/api/v1/uploads/"+u.ID+"/plan", body).into(t, &p)
		return (<-asked).Change.Import
	}
	if i := plan(map[string]any{}); i.NamesHint != "big5" || i.Names != "" {
		t.Errorf("got %+v", i)
	}
	var set apitype.ArchiveNamesShown
	s.call(t, "PUT", "/api/v1/archive-names", map[string]any{"encoding": "CP949"}).into(t, &set)
	if set.Encoding != "euc-kr" || names().Encoding != "euc-kr" || plan(map[string]any{}).NamesHint != "euc-kr" {
		t.Errorf("got %+v", set)
	}
	s.call(t, "PUT", "/api/v1/archive-names", map[string]any{"encoding": "ebcdic"}).problem(t, http.StatusUnprocessableEntity,
		"body.encoding")
	s.call(t, "PUT", "/api/v1/archive-names", map[string]any{"encoding": "automatic"}).into(t, &set)
	if i := plan(map[string]any{}); set.Encoding != "automatic" || i.NamesHint != "" {
		t.Errorf("got %+v, %+v", set, i)
	}
}
