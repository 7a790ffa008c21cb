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

// Batch is the maximum number of ids per workshop call. Steam documents no limit, but is known to
// refuse larger calls.
const Batch = 100

// Outcome is the state of a published file.
type Outcome string

// The outcomes.
const (
	Available Outcome = "available"
	Missing   Outcome = "missing" // deleted, hidden or never published; Steam does not distinguish these
	Private   Outcome = "private" // visible only to the author or the author's friends
	Banned    Outcome = "banned"
	NoFile    Outcome = "no file" // no download address, as for collections
	WrongApp  Outcome = "wrong app"
	Throttled Outcome = "throttled" // Steam is too busy to answer
	Unclear   Outcome = "unclear"   // Why has the reason
)

// Unclarity is the reason for the outcome Unclear.
type Unclarity string

// The reasons.
const (
	NotListed   Unclarity = "not listed" // the answer does not list the item
	NotAnID     Unclarity = "not an id"
	OtherResult Unclarity = "other result"
	Unreadable  Unclarity = "unreadable"
)

// Values of Steam's EResult, for an item or for a whole answer.
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
	maxText            = 200 // maximum bytes of a title or file name
	maxAddress         = 1024
	maxTags, maxTagLen = 10, 40
)

// PublishedFile describes an item of the workshop. Its texts come from the item's author.
type PublishedFile struct {
	ID        string
	Outcome   Outcome
	Why       Unclarity // reason for Unclear
	Result    int       // Steam's result (EResult) for OtherResult
	App       int       // app id of the item's game
	Title     string
	Filename  string // the author's file name, possibly with directories; must not be used as a path
	Size      int64
	URL       string // download address; http or https
	Content   string // content id; changes with the content
	Picture   string // address of the preview image, or empty
	Tags      []string
	UpdatedAt time.Time
}

// PublishedFiles describes items (ISteamRemoteStorage/GetPublishedFileDetails). It requests each id
// once, in batches of 100. The map has an entry for every numeric id. If Steam stays busy,
// PublishedFiles returns the answers so far and an error that wraps ErrBusy.
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
				found[id] = PublishedFile{ID: id, Outcome: Unclear, Why: NotListed}
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

// Collections returns the entries of collections (ISteamRemoteStorage/GetCollectionDetails), in the
// order set by their authors. The map has no entry for ids that are not collections or that Steam
// does not show. Errors: as PublishedFiles.
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

// batches calls the API for ids in batches, and again for those for which take reports that Steam
// was busy.
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

// batch calls the API for one batch of ids until Steam has answered for all of them or the tries
// are used up.
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
		case status == http.StatusForbidden: // also sent to rate-limited addresses
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

// numbers returns the ids that are numeric, without duplicates.
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

// isNumber reports whether an id is numeric in the form that Steam uses.
func isNumber(id string) bool {
	n, err := strconv.ParseUint(id, 10, 64)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == id
}

// isBusy reports whether a retry may help after this result.
func isBusy(result int64) bool {
	return result == resultRateLimit || result == resultTimeout || result == resultUnavailable
}

// fileMessage is an item in Steam's answer. Older answers have numbers where newer ones have
// strings.
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

// parseFile parses an item. An invalid item is Unclear; an item without an id is ignored.
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
	if f.Why == OtherResult {
		f.Result = int(m.Result)
	}
	return f
}

func (m *fileMessage) outcome(err error, address string) (o Outcome, why Unclarity) {
	switch {
	case err != nil:
		return Unclear, Unreadable
	case isBusy(int64(m.Result)):
		return Throttled, ""
	case m.Result == resultNotFound:
		return Missing, ""
	case m.Result == resultDenied:
		return Private, ""
	case m.Result == resultInvalid:
		return Unclear, NotAnID
	case m.Result != resultOK:
		return Unclear, OtherResult
	case m.Banned != 0:
		return Banned, ""
	case m.Visibility != visiblePublic && m.Visibility != visibleUnlisted:
		return Private, ""
	case m.App != AppL4D2:
		return WrongApp, ""
	case address == "":
		return NoFile, ""
	case m.Size < 0:
		return Unclear, Unreadable
	}
	return Available, ""
}

// childMessage is an entry of a collection in Steam's answer.
type childMessage struct {
	ID    text   `json:"publishedfileid"`
	Order number `json:"sortorder"`
	Type  number `json:"filetype"` // 2: collection
}

// parseCollection parses a collection.
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

// bounded returns s as valid UTF-8 of at most n bytes.
func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "")
	}
	return s
}

// address returns s if it is an http or https address, else an empty string.
func address(s string) string {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxAddress || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}

// number is an integer that may be encoded as a string or a boolean.
type number int64

// UnmarshalJSON accepts 1, "1", true and null; an empty string is 0.
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
