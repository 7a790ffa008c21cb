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

// Item is a published file of the workshop: an add-on or, if it has children, a collection. The answer
// for an unknown ID is that of a deleted item.
type Item struct {
	Title    string   `json:"title"`
	Filename string   `json:"filename"`
	App      int      `json:"app"` // 550 if 0
	Tags     []string `json:"tags"`
	Version  int      `json:"version"` // determines the content and the time of the last update

	Addon string  `json:"addon"` // content: name of an add-on for installation.Addon
	Scale float64 `json:"scale"` // scale of that add-on; 1 if 0
	Data  []byte  `json:"data"`  // content without Addon; the header of a VPK if nil
	Zeros int64   `json:"zeros"` // number of zeros after the content, not held in memory

	Children []string `json:"children"` // items of a collection

	// Values reported by Steam.
	Result     int    `json:"result"` // 1 if 0; the answer has no other fields if it is not 1
	Visibility int    `json:"visibility"`
	Banned     bool   `json:"banned"`
	NoFile     bool   `json:"no_file"`
	FileURL    string `json:"file_url"`  // overrides the correct URL
	FileSize   int64  `json:"file_size"` // overrides the correct size
	Numbers    bool   `json:"numbers"`   // sizes and IDs as numbers, as in older answers
	Broken     bool   `json:"broken"`    // fields have wrong types

	Content Content `json:"content"` // behaviour of the content server
}

// Content is the behaviour of the content server for an item. Times limits the number of failures: 0
// means all requests fail.
type Content struct {
	CutAfter   int64  `json:"cut_after"` // bytes before the connection is closed
	Status     int    `json:"status"`
	RetryAfter int    `json:"retry_after"`
	Redirect   string `json:"redirect"` // "loop" redirects to itself
	HTML       bool   `json:"html"`     // send an HTML page with status 200
	NoRange    bool   `json:"no_range"`
	NoLength   bool   `json:"no_length"`
	ETag       string `json:"etag"`  // "none", "weak", or "new" for a different one in each answer
	Hang       int64  `json:"hang"`  // bytes before the download stalls; -1 for none
	Rate       int64  `json:"rate"`  // bytes per second
	Times      int    `json:"times"` // limits CutAfter, Status, Hang and HTML
}

const maxIDs = 100 // IDs in a request; the limit is not documented

// published implements ISteamRemoteStorage/GetPublishedFileDetails.
func (s *Server) published(w http.ResponseWriter, r *http.Request) {
	ids, ok := formIDs(r, "itemcount")
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

// formIDs returns the IDs in a form and reports whether Steam would accept it.
func formIDs(r *http.Request, count string) (ids []string, ok bool) {
	n, err := strconv.Atoi(r.PostFormValue(count))
	if err != nil || n < 1 || n > maxIDs {
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

// detail returns Steam's answer for an item. s.mu must be held.
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

// collection implements ISteamRemoteStorage/GetCollectionDetails.
func (s *Server) collection(w http.ResponseWriter, r *http.Request) {
	ids, ok := formIDs(r, "collectioncount")
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

// handle returns Steam's number for the content of an item.
func handle(id string, version int) string {
	h := fnv.New64a()
	fmt.Fprint(h, id, " ", version)
	return strconv.FormatUint(h.Sum64(), 10)
}

// path returns the URL path of an item's content. s.mu must be held.
func (s *Server) path(id string, it Item) string {
	h := handle(id, it.Version)
	s.handles[h] = id
	return "/ugc/" + h + "/" + s.blob(id, it).sum + "/"
}

// blob is the content of an item.
type blob struct {
	data  []byte
	zeros int64
	size  int64
	sum   string
	at    time.Time
}

// blob returns the content of an item, creating it on first use. s.mu must be held.
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
	case it.Data == nil: // the header of a VPK without files, followed by a text
		b.data = []byte("\x34\x12\xaa\x55\x01\x00\x00\x00\x01\x00\x00\x00\x00" + id + " " + strconv.Itoa(it.Version) + " ")
	}
	b.size = int64(len(b.data)) + b.zeros
	sum := sha1.New()
	_, _ = io.Copy(sum, b.reader())
	b.sum = hex.EncodeToString(sum.Sum(nil))
	s.blobs[key] = b
	return b
}

// setItem changes one item: POST /sim/items/ID with an Item as JSON. Missing fields remain unchanged.
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
