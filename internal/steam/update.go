package steam

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// UpToDate is Steam's answer about a server's version.
type UpToDate struct {
	UpToDate bool
	Required int    // required version; 0 if Steam sends none, for example because the version is the newest
	Message  string // message from Steam
}

// UpToDateCheck asks whether a version of an app is the newest (ISteamApps/UpToDateCheck). version
// is the result of [Version.Number]. It returns ErrUnsupported if Steam tracks no version of the
// app, so the result is unknown.
func (c *Client) UpToDateCheck(ctx context.Context, app, version int) (UpToDate, error) {
	const call = "ISteamApps/UpToDateCheck"
	var r struct {
		Success  bool   `json:"success"`
		UpToDate *bool  `json:"up_to_date"`
		Required int    `json:"required_version"`
		Message  string `json:"message"`
		Error    string `json:"error"`
	}
	err := c.get(ctx, call, url.Values{"appid": {strconv.Itoa(app)}, "version": {strconv.Itoa(version)}}, &r)
	switch {
	case err != nil:
		return UpToDate{}, err
	case !r.Success || r.UpToDate == nil:
		why := ErrUnsupported
		if r.Error != "" {
			why = fmt.Errorf("%w: %.200s", ErrUnsupported, r.Error)
		}
		return UpToDate{}, &Error{Call: call, Err: why}
	case r.Required < 0:
		return UpToDate{}, &Error{Call: call, Err: fmt.Errorf("%w: version %d", ErrAnswer, r.Required)}
	}
	return UpToDate{UpToDate: *r.UpToDate, Required: r.Required, Message: fmt.Sprintf("%.500s", r.Message)}, nil
}

// Version is an installation's version, from its steam.inf.
type Version struct {
	Patch string // PatchVersion, for example 2.2.4.3
	App   int    // appID, for example 550
}

// ParseVersion parses a steam.inf, lines of KEY=VALUE. Missing fields stay zero.
func ParseVersion(inf []byte) Version {
	var v Version
	for line := range bytes.Lines(inf) {
		key, value, _ := strings.Cut(string(line), "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "patchversion":
			v.Patch = value
		case "appid":
			v.App, _ = strconv.Atoi(value)
		}
	}
	return v
}

// Number returns the version without its dots, as Steam counts: 2243. It reports false if the
// version is not digits and dots, or is too long.
func (v Version) Number() (int, bool) {
	digits := strings.ReplaceAll(v.Patch, ".", "")
	if digits == "" || len(digits) > 9 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}
