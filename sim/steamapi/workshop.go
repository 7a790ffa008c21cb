package steamapi

import (
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/left4me/left4me/sim/installation"
)

// Item is a published file of the workshop: an add-on or, with children, a
// collection. An item that isn't known answers as a deleted one does.
type Item struct {
	Title    string   `json:"title"`
	Filename string   `json:"filename"`
	App      int      `json:"app"` // 550 if it is 0
	Tags     []string `json:"tags"`
	Version  int      `json:"version"` // its content changes with it, and when it was updated

	Addon string  `json:"addon"` // what it holds: a name that installation.Addon knows,
	Scale float64 `json:"scale"` // so large; 1 if it is 0
	Data  []byte  `json:"data"`  // or these bytes,
	Zeros int64   `json:"zeros"` // or so many behind the beginning of a VPK, which aren't kept

	Children []string `json:"children"` // of a collection

	// What Steam says of it.
	Result     int    `json:"result"` // 1 if it is 0; with another it says nothing else
	Visibility int    `json:"visibility"`
	Banned     bool   `json:"banned"`
	NoFile     bool   `json:"no_file"`
	FileURL    string `json:"file_url"`  // a lie
	FileSize   int64  `json:"file_size"` // a lie
	Numbers    bool   `json:"numbers"`   // sizes and ids as numbers, as in older answers
	Broken     bool   `json:"broken"`    // its fields are of other kinds than they should be

	Content Content `json:"content"` // how its content is sent
}

// Content is how the content server misbehaves with an item. Times bounds how
// often: 0 is always.
type Content struct {
	CutAfter   int64  `json:"cut_after"` // bytes; then the connection ends
	Status     int    `json:"status"`
	RetryAfter int    `json:"retry_after"`
	Redirect   string `json:"redirect"` // "loop" leads to itself
	HTML       bool   `json:"html"`     // a page, with 200
	NoRange    bool   `json:"no_range"`
	NoLength   bool   `json:"no_length"`
	ETag       string `json:"etag"`  // "none", "weak" or "new" with each request
	Hang       int64  `json:"hang"`  // after so many bytes nothing more comes; -1: before the first
	Rate       int64  `json:"rate"`  // bytes a second
	Times      int    `json:"times"` // of CutAfter, Status, Hang and HTML
}

const lists = 100 // of ids in a request, as far as anybody knows

// published is ISteamRemoteStorage/GetPublishedFileDetails.
func (s *Server) published(w http.ResponseWriter, r *http.Request) {
	ids, ok := listed(r, "itemcount")
	if !ok {
		badRequest(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	details := []any{}
	for _, id := range ids {
		details = append(details, s.detail(r, id))
	}
	result := s.state.Result
	if result == 0 {
		result = 1
	}
	respond(w, map[string]any{"result": result, "resultcount": len(details), "publishedfiledetails": details})
}

// listed are the ids of a form, and whether it is one that Steam takes.
func listed(r *http.Request, count string) (ids []string, ok bool) {
	n, err := strconv.Atoi(r.PostFormValue(count))
	if err != nil || n < 1 || n > lists {
		return nil, false
	}
	for i := range n {
		id := r.PostFormValue(fmt.Sprintf("publishedfileids[%d]", i))
		if _, err := strconv.ParseUint(id, 10, 64); err != nil {
			return nil, false
		}
		ids = append(ids, id)
	}
	return ids, true
}

// detail is what Steam says of an item. s.mu is held.
func (s *Server) detail(r *http.Request, id string) map[string]any {
	it, ok := s.state.Items[id]
	switch {
	case !ok:
		return map[string]any{"publishedfileid": id, "result": 9}
	case it.Result > 1:
		return map[string]any{"publishedfileid": id, "result": it.Result}
	case it.Broken:
		return map[string]any{"publishedfileid": id, "result": 1, "title": []int{1}, "file_size": "many", "tags": 7}
	}
	app := it.App
	if app == 0 {
		app = 550
	}
	tags := []any{}
	for _, t := range it.Tags {
		tags = append(tags, map[string]any{"tag": t})
	}
	d := map[string]any{
		"publishedfileid": id, "result": 1, "creator": "76561198000000001", "creator_app_id": 766, "consumer_app_id": app,
		"filename": "", "file_size": "0", "file_url": "", "hcontent_file": "0", "preview_url": "http://" + r.Host + "/preview/" + id,
		"title": it.Title, "description": "[b]Not real.[/b]", "time_created": 1352000000, "time_updated": 1380000000 + 86400*it.Version,
		"visibility": it.Visibility, "banned": 0, "ban_reason": "", "subscriptions": 1, "tags": tags,
	}
	if it.Banned {
		d["banned"], d["ban_reason"] = 1, "stolen"
	}
	if len(it.Children) > 0 {
		return d
	}
	d["filename"], d["hcontent_file"] = it.Filename, handle(id, it.Version)
	if !it.NoFile {
		d["file_url"] = "http://" + r.Host + s.path(id, it)
	}
	if it.FileURL != "" {
		d["file_url"] = it.FileURL
	}
	size := it.FileSize
	if size == 0 {
		size = s.blob(id, it).size
	}
	d["file_size"] = strconv.FormatInt(size, 10)
	if it.Numbers {
		n, _ := strconv.ParseUint(id, 10, 64)
		d["file_size"], d["publishedfileid"], d["banned"] = size, n, it.Banned
	}
	return d
}

// collection is ISteamRemoteStorage/GetCollectionDetails.
func (s *Server) collection(w http.ResponseWriter, r *http.Request) {
	ids, ok := listed(r, "collectioncount")
	if !ok {
		badRequest(w)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	details := []any{}
	for _, id := range ids {
		it, ok := s.state.Items[id]
		if !ok || it.Result > 1 || len(it.Children) == 0 {
			details = append(details, map[string]any{"publishedfileid": id, "result": 9})
			continue
		}
		children := []any{}
		for i, c := range it.Children {
			kind := 0
			if len(s.state.Items[c].Children) > 0 {
				kind = 2
			}
			children = append(children, map[string]any{"publishedfileid": c, "sortorder": i + 1, "filetype": kind})
		}
		details = append(details, map[string]any{"publishedfileid": id, "result": 1, "children": children})
	}
	result := s.state.Result
	if result == 0 {
		result = 1
	}
	respond(w, map[string]any{"result": result, "resultcount": len(details), "collectiondetails": details})
}

// handle is a number by which Steam knows a content.
func handle(id string, version int) string {
	h := fnv.New64a()
	fmt.Fprint(h, id, " ", version)
	return strconv.FormatUint(h.Sum64(), 10)
}

// path is where the content of an item is. s.mu is held.
func (s *Server) path(id string, it Item) string {
	h := handle(id, it.Version)
	s.handles[h] = id
	return "/ugc/" + h + "/" + s.blob(id, it).sum + "/"
}

// blob is a content.
type blob struct {
	data  []byte
	zeros int64
	size  int64
	sum   string
	at    time.Time
}

// blob makes the content of an item, or has it already. s.mu is held.
func (s *Server) blob(id string, it Item) *blob {
	key := fmt.Sprint(id, " ", it.Version, " ", it.Addon, " ", it.Scale, " ", it.Zeros, " ", len(it.Data))
	if b := s.blobs[key]; b != nil {
		return b
	}
	b := &blob{data: it.Data, zeros: it.Zeros, at: time.Unix(1380000000+86400*int64(it.Version), 0)}
	switch {
	case it.Addon != "":
		scale := it.Scale
		if scale == 0 {
			scale = 1
		}
		var err error
		if b.data, err = installation.Addon(it.Addon, it.Version, scale); err != nil {
			b.data = []byte(err.Error())
		}
	case it.Data == nil: // the header of one without files, and whatever behind
		b.data = []byte("\x34\x12\xaa\x55\x01\x00\x00\x00\x01\x00\x00\x00\x00" + id + " " + strconv.Itoa(it.Version) + " ")
	}
	b.size = int64(len(b.data)) + b.zeros
	sum := sha1.New()
	_, _ = io.Copy(sum, b.reader())
	b.sum = hex.EncodeToString(sum.Sum(nil))
	s.blobs[key] = b
	return b
}

// setItem changes one item: POST /sim/items/ID with an Item as JSON, of which what
// isn't said stays.
func (s *Server) setItem(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.state.Items[r.PathValue("id")]
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<20)).Decode(&it); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if s.state.Items == nil {
		s.state.Items = map[string]Item{}
	}
	s.state.Items[r.PathValue("id")] = it
}
