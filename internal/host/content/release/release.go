// Package release finds the assets of a release on GitHub. It uses the API without an account and
// downloads no assets.
package release

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/left4me/left4me/internal/left4me"
)

// API is the base URL of GitHub's API.
const API = "https://api.github.com"

// Limits for answers of the API.
const (
	maxAnswer = 8 << 20
	maxAssets = 20
	askWithin = time.Minute
)

// Doer performs HTTP requests. Implementations must refuse addresses that must not be contacted.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Release contains the requested assets of a release.
type Release struct {
	Tag    string
	Assets []Asset // sorted by name, at least one
}

// Asset is a file of a release.
type Asset struct {
	Name string
	Size int64
	URL  string
	Sum  string // sha256:… as reported by GitHub; empty for old assets
}

// Origin returns a text that identifies the release and its assets. If sure is true, every asset has a
// checksum, and the text changes whenever an asset does.
func (r Release) Origin() (text string, sure bool) {
	text, sure = r.Tag, true
	for _, a := range r.Assets {
		text += " " + a.Name
		if a.Sum == "" {
			sure = false
			continue
		}
		text += " (" + a.Sum[:min(len(a.Sum), len("sha256:")+12)] + ")"
	}
	return text, sure
}

// Bytes returns the total size of the assets.
func (r Release) Bytes() (n int64) {
	for _, a := range r.Assets {
		n += a.Size
	}
	return n
}

var (
	repository = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}$`)
	})
	sha256 = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	})
)

// Check validates the description of a release. Errors: left4me.Invalid with the field.
func Check(r left4me.Release) error {
	if _, name, _ := strings.Cut(r.Repository, "/"); !repository().MatchString(r.Repository) || name == "." || name == ".." {
		return left4me.NewError(left4me.Invalid, "release.repository_not_valid", "repository", r.Repository).InField("release.repository")
	}
	if _, err := path.Match(r.Asset, ""); err != nil || r.Asset == "" || strings.ContainsAny(r.Asset, "/\n") {
		return left4me.NewError(left4me.Invalid, "release.asset_not_named", "asset", r.Asset).InField("release.asset")
	}
	if len(r.Tag) > 200 || strings.ContainsFunc(r.Tag, func(c rune) bool { return c <= ' ' || c == 0x7f }) ||
		slices.Contains(strings.Split(r.Tag, "/"), "..") {
		return left4me.NewError(left4me.Invalid, "release.tag_invalid", "tag", r.Tag).InField("release.tag")
	}
	return nil
}

// Find returns the assets of a release. api is API, or the URL of a substitute in tests. Errors:
// left4me.Invalid; left4me.NotFound with the existing alternatives; left4me.Unavailable with the time
// after which a retry makes sense.
func Find(ctx context.Context, api string, client Doer, want left4me.Release) (Release, error) {
	if err := Check(want); err != nil {
		return Release{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askWithin,
		left4me.NewError(left4me.Unavailable, "github.no_answer"))
	defer cancel()
	address := strings.TrimRight(api, "/") + "/repos/" + want.Repository + "/releases/latest"
	if want.Tag != "" {
		address = strings.TrimRight(api, "/") + "/repos/" + want.Repository + "/releases/tags/" + url.PathEscape(want.Tag)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Release{}, err
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	req.Header.Set("User-Agent", "left4me")
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return Release{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case ctx.Err() != nil:
		return Release{}, context.Cause(ctx)
	case resp.StatusCode != http.StatusOK:
		return Release{}, refusal(want, resp, b, time.Now())
	case err != nil || len(b) > maxAnswer:
		return Release{}, left4me.NewError(left4me.Unavailable, "github.cut_off").Because(errors.Join(err, fmt.Errorf("%d bytes", len(b))))
	}
	return read(want, b)
}

// refusal converts an error response into an error.
func refusal(want left4me.Release, resp *http.Response, body []byte, now time.Time) error {
	var response struct{ Message string }
	_ = json.Unmarshal(body, &response)
	reset, _ := strconv.ParseInt(resp.Header.Get("X-Ratelimit-Reset"), 10, 64)
	after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
	code := resp.StatusCode
	limited := code == http.StatusTooManyRequests ||
		code == http.StatusForbidden &&
			(resp.Header.Get("X-Ratelimit-Remaining") == "0" || after > 0 ||
				strings.Contains(strings.ToLower(response.Message), "rate limit"))
	switch {
	case code == http.StatusNotFound && want.Tag != "":
		return left4me.NewError(left4me.NotFound, "release.unknown", "repository", want.Repository, "tag", want.Tag).InField("release.tag")
	case code == http.StatusNotFound:
		return left4me.NewError(left4me.NotFound, "release.none", "repository", want.Repository).InField("release.repository")
	case limited:
		at := now.Add(time.Duration(max(after, 60)) * time.Second)
		if r := time.Unix(reset, 0); after == 0 && r.After(now) && r.Before(now.Add(24*time.Hour)) {
			at = r
		}
		return left4me.NewError(left4me.Unavailable, "github.limit", "until", at).Because(fmt.Errorf("%d: %s", code, response.Message))
	}
	return left4me.NewError(left4me.Unavailable, "github.status", "status", code).Because(fmt.Errorf("%d: %.200s", code, response.Message))
}

// read parses a response.
func read(want left4me.Release, b []byte) (Release, error) {
	var answer struct {
		Tag    string `json:"tag_name"`
		Assets []struct {
			Name   string
			State  string
			Size   int64
			Digest string
			URL    string `json:"browser_download_url"`
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil || answer.Tag == "" {
		return Release{}, left4me.NewError(left4me.Unavailable, "github.unreadable").Because(err)
	}
	r := Release{Tag: answer.Tag}
	var others []string
	for _, a := range answer.Assets {
		if ok, _ := path.Match(want.Asset, a.Name); !ok || a.State == "open" { // still being uploaded
			others = append(others, fmt.Sprintf("%.100s", a.Name))
			continue
		}
		asset := Asset{Name: a.Name, Size: a.Size, URL: a.URL}
		if sha256().MatchString(a.Digest) {
			asset.Sum = a.Digest
		}
		if a.Size <= 0 || a.URL == "" || a.Name != path.Base(path.Clean("/"+a.Name)) ||
			strings.ContainsFunc(a.Name, func(c rune) bool { return c < ' ' || c == 0x7f }) {
			return Release{}, left4me.NewError(left4me.Unavailable, "release.asset_address", "tag", r.Tag, "repository", want.Repository,
				"asset", a.Name)
		}
		r.Assets = append(r.Assets, asset)
	}
	slices.SortFunc(r.Assets, func(a, b Asset) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case len(r.Assets) > maxAssets:
		return Release{}, left4me.NewError(left4me.Invalid, "release.asset_ambiguous", "asset", want.Asset, "count",
			len(r.Assets)).InField("release.asset")
	case len(r.Assets) > 0:
		return r, nil
	case len(others) == 0:
		return Release{}, left4me.NewError(left4me.NotFound, "release.no_assets", "tag", r.Tag, "repository",
			want.Repository).InField("release.tag")
	}
	slices.Sort(others)
	return Release{}, left4me.NewError(left4me.NotFound, "release.asset_unknown", "tag", r.Tag, "repository", want.Repository, "asset",
		want.Asset, "known", strings.Join(others[:min(len(others), 10)], ", ")).InField("release.asset")
}
