package steam

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// UpToDate is what Steam says of a version of a server.
type UpToDate struct {
	UpToDate bool
	Required int    // the version that servers should have; 0 when Steam doesn't say, as when this one is the newest
	Message  string // Steam's own words
}

// UpToDateCheck asks whether a version of an app is the newest (ISteamApps/UpToDateCheck). version is what [Version.Number]
// gives. Errors: ErrUnsupported when Steam keeps no version of that app, which says nothing either way.
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

// Version is what steam.inf says of an installation.
type Version struct {
	Patch string // PatchVersion: 2.2.4.3
	App   int    // appID: 550
}

// ParseVersion reads a steam.inf, lines of KEY=VALUE. What isn't there stays zero.
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

// Number is the version without its dots, as Steam counts: 2243. It is false when the version isn't digits and dots, or too
// long to be one.
func (v Version) Number() (int, bool) {
	digits := strings.ReplaceAll(v.Patch, ".", "")
	if digits == "" || len(digits) > 9 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}
