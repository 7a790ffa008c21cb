package steam

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/left4me/left4me/internal/sleep"
)

// Batch is how many ids one question about the workshop names. Steam documents no limit; more is known to be refused.
const Batch = 100

// Outcome is what can be done with a published file.
type Outcome string

// The outcomes.
const (
	Available Outcome = "available"
	Missing   Outcome = "missing" // deleted, hidden, or never there: Steam doesn't tell
	Private   Outcome = "private" // for friends of its author, or for nobody
	Banned    Outcome = "banned"
	NoFile    Outcome = "no file" // it has no address that it could be had from; a collection has none either
	WrongApp  Outcome = "wrong app"
	Throttled Outcome = "throttled" // not answered now
	Unclear   Outcome = "unclear"   // Why says more
)

// The results that Steam gives of one item or of an answer, of its EResult.
const (
	resultOK           = 1
	resultInvalid      = 8
	resultNotFound     = 9
	resultDenied       = 15
	resultTimeout      = 16
	resultUnavailable  = 20
	resultRateLimit    = 84
	visiblePublic      = 0
	visibleUnlisted    = 3
	maxText            = 200 // bytes of a title or a file name
	maxAddress         = 1024
	maxTags, maxTagLen = 10, 40
)

// PublishedFile is what Steam says of an item of the workshop. Texts are its author's.
type PublishedFile struct {
	ID        string
	Outcome   Outcome
	Why       string // in words, of Unclear
	App       int    // the game that it is for
	Title     string
	Filename  string // as its author called it, maybe with directories: not to be used as a path
	Size      int64
	URL       string // where its content is; http or https
	Content   string // a number that changes with its content
	Picture   string // address, or empty
	Tags      []string
	UpdatedAt time.Time
}

// PublishedFiles asks what items are (ISteamRemoteStorage/GetPublishedFileDetails), a hundred at a time, each once. Every id
// that is a number has an answer in the map. When Steam stays busy for a batch it answers what it has by then and an error
// that wraps ErrBusy.
func (c *Client) PublishedFiles(ctx context.Context, ids []string) (map[string]PublishedFile, error) {
	const call = "ISteamRemoteStorage/GetPublishedFileDetails"
	found := map[string]PublishedFile{}
	err := c.batches(ctx, call, "itemcount", ids, func(batch []string, details []json.RawMessage) (busy []string) {
		for _, raw := range details {
			if f := parseFile(raw); slices.Contains(batch, f.ID) {
				found[f.ID] = f
			}
		}
		for _, id := range batch {
			f, ok := found[id]
			if !ok {
				found[id] = PublishedFile{ID: id, Outcome: Unclear, Why: "Steam's answer doesn't name it"}
			}
			if f.Outcome == Throttled {
				busy = append(busy, id)
			}
		}
		return busy
	})
	return found, err
}

// Child is an entry of a collection.
type Child struct {
	ID         string
	Collection bool
}

// Collections asks what is in collections (ISteamRemoteStorage/GetCollectionDetails), in the order of their authors. Ids that
// aren't collections, or that Steam doesn't show, have no entry in the map. Errors: as PublishedFiles.
func (c *Client) Collections(ctx context.Context, ids []string) (map[string][]Child, error) {
	const call = "ISteamRemoteStorage/GetCollectionDetails"
	found := map[string][]Child{}
	err := c.batches(ctx, call, "collectioncount", ids, func(batch []string, details []json.RawMessage) (busy []string) {
		for _, raw := range details {
			id, result, children := parseCollection(raw)
			switch {
			case !slices.Contains(batch, id):
			case isBusy(result):
				busy = append(busy, id)
			case result == resultOK && len(children) > 0:
				found[id] = children
			}
		}
		return busy
	})
	return found, err
}

// batches asks a call about ids, some at a time, and again about those that take says Steam was too busy for.
func (c *Client) batches(ctx context.Context, call, count string, ids []string,
	take func(batch []string, details []json.RawMessage) (busy []string),
) error {
	ids = numbers(ids)
	base, err := url.Parse(strings.TrimSuffix(cmp.Or(c.Base, BaseURL), "/"))
	if err != nil || base.Host == "" {
		return &Error{Call: call, Err: fmt.Errorf("%q is not an address: %w", c.Base, ErrUnreachable)}
	}
	address := base.JoinPath(call, "v1/").String()
	for batch := range slices.Chunk(ids, Batch) {
		status, err := c.batch(ctx, address, count, batch, take)
		if err != nil {
			return &Error{Call: call, Status: status, Err: err}
		}
	}
	return nil
}

// batch asks about some ids until none is left for which Steam is busy, or it is enough.
func (c *Client) batch(ctx context.Context, address, count string, left []string,
	take func([]string, []json.RawMessage) []string,
) (status int, err error) {
	pause := cmp.Or(c.Pause, 2*time.Second)
	for try := 1; ; try++ {
		form := url.Values{count: {strconv.Itoa(len(left))}, "format": {"json"}}
		for i, id := range left {
			form.Set(fmt.Sprintf("publishedfileids[%d]", i), id)
		}
		var r listMessage
		var after time.Duration
		status, after, err = c.once(ctx, address, form, &r)
		switch {
		case status == http.StatusForbidden: // what a limited address gets too
			err = ErrBusy
		case err != nil:
		case isBusy(int64(r.Result)):
			err = fmt.Errorf("%w (result %d)", ErrBusy, r.Result)
		case r.Files == nil && r.Entries == nil:
			err = fmt.Errorf("%w: result %d", ErrAnswer, r.Result)
		default:
			if left = take(left, append(r.Files, r.Entries...)); len(left) == 0 {
				return status, nil
			}
			err = fmt.Errorf("%w: for %d items", ErrBusy, len(left))
		}
		if !errors.Is(err, ErrBusy) || ctx.Err() != nil || try >= cmp.Or(c.Tries, 2) {
			return status, err
		}
		if err := sleep.For(ctx, min(cmp.Or(after, pause), maxWait)); err != nil {
			return 0, err
		}
		pause = min(2*pause, maxWait)
	}
}

// listMessage is an answer about several items or collections.
type listMessage struct {
	Result  number            `json:"result"`
	Files   []json.RawMessage `json:"publishedfiledetails"`
	Entries []json.RawMessage `json:"collectiondetails"`
}

// numbers are those ids that are numbers, each once.
func numbers(ids []string) []string {
	seen, list := map[string]bool{}, []string{}
	for _, id := range ids {
		if isNumber(id) && !seen[id] {
			seen[id] = true
			list = append(list, id)
		}
	}
	return list
}

// isNumber reports whether an id is one of Steam's, as Steam writes it.
func isNumber(id string) bool {
	n, err := strconv.ParseUint(id, 10, 64)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == id
}

// isBusy are the results after which asking again helps.
func isBusy(result int64) bool {
	return result == resultRateLimit || result == resultTimeout || result == resultUnavailable
}

// fileMessage is an item in Steam's words. Older answers have numbers where newer ones have texts.
type fileMessage struct {
	ID         text   `json:"publishedfileid"`
	Result     number `json:"result"`
	App        number `json:"consumer_app_id"`
	Title      string `json:"title"`
	Filename   string `json:"filename"`
	Size       number `json:"file_size"`
	URL        string `json:"file_url"`
	Content    text   `json:"hcontent_file"`
	Picture    string `json:"preview_url"`
	Updated    number `json:"time_updated"`
	Visibility number `json:"visibility"`
	Banned     number `json:"banned"`
	Tags       []struct {
		Tag string `json:"tag"`
	} `json:"tags"`
}

// parseFile reads what Steam says of an item. What can't be understood is Unclear; without an id it is nobody's.
func parseFile(raw json.RawMessage) PublishedFile {
	var m fileMessage
	err := json.Unmarshal(raw, &m)
	f := PublishedFile{
		ID: string(m.ID), App: int(m.App), Title: bounded(m.Title, maxText), Filename: bounded(m.Filename, maxText), Size: int64(m.Size),
		URL: address(m.URL), Content: bounded(string(m.Content), 40), Picture: address(m.Picture),
	}
	if m.Updated > 0 && m.Updated < 1<<40 {
		f.UpdatedAt = time.Unix(int64(m.Updated), 0).UTC()
	}
	for _, t := range m.Tags[:min(len(m.Tags), maxTags)] {
		f.Tags = append(f.Tags, bounded(t.Tag, maxTagLen))
	}
	f.Outcome, f.Why = m.outcome(err, f.URL)
	return f
}

func (m *fileMessage) outcome(err error, address string) (o Outcome, why string) {
	switch {
	case err != nil:
		return Unclear, "what Steam says of it can't be understood"
	case isBusy(int64(m.Result)):
		return Throttled, ""
	case m.Result == resultNotFound:
		return Missing, ""
	case m.Result == resultDenied:
		return Private, ""
	case m.Result == resultInvalid:
		return Unclear, "Steam says that this is no number of an item"
	case m.Result != resultOK:
		return Unclear, fmt.Sprintf("Steam answers result %d", m.Result)
	case m.Banned != 0:
		return Banned, ""
	case m.Visibility != visiblePublic && m.Visibility != visibleUnlisted:
		return Private, ""
	case m.App != AppL4D2:
		return WrongApp, ""
	case address == "":
		return NoFile, ""
	case m.Size < 0:
		return Unclear, "Steam says that it has less than no bytes"
	}
	return Available, ""
}

// childMessage is an entry of a collection in Steam's words.
type childMessage struct {
	ID    text   `json:"publishedfileid"`
	Order number `json:"sortorder"`
	Type  number `json:"filetype"` // 2 is a collection
}

// parseCollection reads what Steam says of a collection.
func parseCollection(raw json.RawMessage) (id string, result int64, children []Child) {
	var m struct {
		ID       text           `json:"publishedfileid"`
		Result   number         `json:"result"`
		Children []childMessage `json:"children"`
	}
	if json.Unmarshal(raw, &m) != nil {
		return string(m.ID), 0, nil
	}
	slices.SortStableFunc(m.Children, func(a, b childMessage) int { return cmp.Compare(a.Order, b.Order) })
	for _, ch := range m.Children {
		if isNumber(string(ch.ID)) {
			children = append(children, Child{ID: string(ch.ID), Collection: ch.Type == 2})
		}
	}
	return string(m.ID), int64(m.Result), children
}

// bounded is a text of at most n bytes that is UTF-8.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

// address is s if it is an address of the web, or empty.
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxAddress || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}

// number is a whole number that may come as text, or as true and false.
type number int64

// UnmarshalJSON takes 1, "1", true and null; an empty text is 0.
func (n *number) UnmarshalJSON(b []byte) error {
	switch s := strings.Trim(string(b), `"`); s {
	case "null", "", "false":
		*n = 0
	case "true":
		*n = 1
	default:
		v, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return fmt.Errorf("%.40s is not a whole number", b)
		}
		*n = number(v)
	}
	return nil
}
