package steam_test

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/left4me/left4me/internal/steam"
	"github.com/left4me/left4me/sim/steamapi"
)

func TestItemStatesAreDistinguished(t *testing.T) {
	api, c := newSteam(t, steamapi.State{Items: map[string]steamapi.Item{
		"1":  {Title: "Salt Flats", Filename: `my\maps/salt.VPK`, Addon: "salt-flats", Version: 3, Tags: []string{"Campaigns", "Versus"}},
		"2":  {Title: "in old words", Zeros: 5000, Numbers: true},
		"3":  {Result: 9},
		"4":  {Result: 15},
		"5":  {Visibility: 2},
		"6":  {Visibility: 1},
		"7":  {Visibility: 3, Title: "unlisted"},
		"8":  {Banned: true},
		"9":  {Banned: true, Numbers: true},
		"10": {NoFile: true},
		"11": {App: 730},
		"12": {Result: 84},
		"13": {Result: 2},
		"14": {Broken: true},
		"15": {FileURL: "file:///etc/passwd"},
		"16": {FileSize: -5},
		"17": {Title: "a collection", Children: []string{"1"}},
	}})
	ids := []string{"0", "x", "", "-1", "007"}
	for i := range 18 {
		ids = append(ids, strconv.Itoa(i+1), strconv.Itoa(i+1))
	}
	got, err := c.PublishedFiles(t.Context(), ids)
	if !errors.Is(err, steam.ErrBusy) { // item 12 stays throttled
		t.Errorf("got error %v", err)
	}
	for id, want := range map[string]steam.Outcome{
		"1": steam.Available, "2": steam.Available, "3": steam.Missing, "4": steam.Private, "5": steam.Private, "6": steam.Private,
		"7": steam.Available,
		"8": steam.Banned, "9": steam.Banned, "10": steam.NoFile, "11": steam.WrongApp, "12": steam.Throttled, "13": steam.Unclear,
		"14": steam.Unclear, "15": steam.NoFile, "16": steam.Unclear, "17": steam.NoFile, "18": steam.Missing,
	} {
		if f := got[id]; f.Outcome != want || f.ID != id || (f.Why != "") != (want == steam.Unclear) {
			t.Errorf("%s: %+v, want %s", id, f, want)
		}
	}
	if len(got) != 18 {
		t.Errorf("got %d answers", len(got))
	}
	f := got["1"]
	path, size, _ := api.Path("1")
	if f.Title != "Salt Flats" || f.Filename != `my\maps/salt.VPK` || f.Size != size || f.URL != c.Base+path || f.App != 550 ||
		f.Content == "" ||
		!f.UpdatedAt.Equal(time.Unix(1380000000+3*86400, 0)) || !slices.Equal(f.Tags, []string{"Campaigns", "Versus"}) ||
		!strings.HasPrefix(f.Picture, "http") {
		t.Errorf("got %+v", f)
	}
	if _, size, _ := api.Path("2"); got["2"].Size != size {
		t.Errorf("got %+v", got["2"])
	}
}

func TestItemsAreRequestedInBatchesOf100(t *testing.T) {
	items, ids := map[string]steamapi.Item{}, []string{}
	for i := range 250 {
		id := strconv.Itoa(1000 + i)
		items[id], ids = steamapi.Item{Title: id, Zeros: 1}, append(ids, id, id)
	}
	api, c := newSteam(t, steamapi.State{Items: items})
	got, err := c.PublishedFiles(t.Context(), ids)
	if err != nil || len(got) != 250 || len(api.Asked()) != 3 {
		t.Errorf("got %d answers in %d requests: %v", len(got), len(api.Asked()), err)
	}
	if got, err := c.PublishedFiles(t.Context(), []string{"x"}); err != nil || len(got) != 0 || len(api.Asked()) != 3 {
		t.Errorf("without ids: %v in %d requests, %v", got, len(api.Asked()), err)
	}
}

func TestThrottlingSteamIsRetriedWithBackOff(t *testing.T) {
	one := map[string]steamapi.Item{"1": {Zeros: 1}}
	for name, k := range map[string]struct {
		state steamapi.State
		tries int
		asked int
		ok    bool
	}{
		"429 twice":           {steamapi.State{Status: 429, Times: 2}, 3, 3, true},
		"403 twice":           {steamapi.State{Status: 403, Times: 2}, 3, 3, true},
		"503 for good":        {steamapi.State{Status: 503}, 3, 3, false},
		"result 84":           {steamapi.State{Result: 84}, 3, 3, false},
		"a page, not of JSON": {steamapi.State{Body: "<html>", Type: "text/html"}, 3, 1, false},
		"another result":      {steamapi.State{Body: `{"response":{"result":8}}`, Type: "application/json"}, 3, 1, false},
		"400":                 {steamapi.State{Status: 400}, 3, 1, false},
	} {
		k.state.Items = one
		api, c := newSteam(t, k.state)
		c.Tries = k.tries
		_, err := c.PublishedFiles(t.Context(), []string{"1"})
		if (err == nil) != k.ok || len(api.Asked()) != k.asked {
			t.Errorf("%s: %v after %d requests", name, err, len(api.Asked()))
		}
		if !k.ok && errors.Is(err, steam.ErrBusy) == errors.Is(err, steam.ErrAnswer) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// 2 + 4 + 8 units of the pause, and the value of Retry-After.
	for name, k := range map[string]struct {
		after int
		least time.Duration
		times int
	}{"doubling": {0, 140 * time.Millisecond, 3}, "Retry-After": {1, time.Second, 1}} {
		_, c := newSteam(t, steamapi.State{Status: 429, Times: k.times, RetryAfter: k.after, Items: one})
		c.Tries, c.Pause = 4, 20*time.Millisecond
		began := time.Now()
		if _, err := c.PublishedFiles(t.Context(), []string{"1"}); err != nil || time.Since(began) < k.least {
			t.Errorf("%s: got %v after %s", name, err, time.Since(began))
		}
	}
	_, c := newSteam(t, steamapi.State{Status: 429, RetryAfter: 100})
	c.Tries = 3
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Collections(ctx, []string{"1"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestCollectionsResolveToItems(t *testing.T) {
	items := map[string]steamapi.Item{
		"1":  {Zeros: 1},
		"2":  {Zeros: 1},
		"3":  {Zeros: 1},
		"9":  {Zeros: 1},
		"20": {Children: []string{"2", "1", "21", "404"}},
		"21": {Children: []string{"3", "20", "21", "2"}}, // contains a collection that contains this one
		"30": {Children: []string{"1"}},
	}
	for i := range 8 { // nested collections
		items[strconv.Itoa(40+i)] = steamapi.Item{Children: []string{strconv.Itoa(41 + i), strconv.Itoa(i%3 + 1)}}
	}
	api, c := newSteam(t, steamapi.State{Items: items})
	tree, err := steam.Expand(t.Context(), []string{"9", "20", "30"}, c.Collections)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"9", "2", "1", "3", "404"}; !slices.Equal(tree.Items, want) {
		t.Errorf("got items %v, want %v", tree.Items, want)
	}
	if got := tree.Through["1"]; !slices.Equal(got, []string{"20", "30"}) || len(tree.Through["9"]) != 0 ||
		!slices.Equal(tree.Through["3"], []string{"20"}) {
		t.Errorf("through %v", tree.Through)
	}
	if len(tree.Collections) != 3 || len(api.Asked()) != 2 {
		t.Errorf("%v in %d requests", tree.Collections, len(api.Asked()))
	}
	tree, err = steam.Expand(t.Context(), []string{"40"}, c.Collections)
	if err != nil || !slices.Equal(tree.TooDeep, []string{"45"}) || len(tree.Collections) != steam.MaxDepth {
		t.Errorf("got %+v, error %v", tree, err)
	}
	var many []string
	for i := range steam.MaxItems + 1 {
		many = append(many, strconv.Itoa(100+i))
	}
	api.Change(func(s *steamapi.State) { s.Items["50"] = steamapi.Item{Children: many} })
	if _, err := steam.Expand(t.Context(), []string{"50"}, c.Collections); !errors.Is(err, steam.ErrTooMany) {
		t.Error(err)
	}
	api.Change(func(s *steamapi.State) { s.Status = 429 })
	if _, err := steam.Expand(t.Context(), []string{"20"}, c.Collections); !errors.Is(err, steam.ErrBusy) {
		t.Error(err)
	}
}

// FuzzWorkshop feeds arbitrary answers about items and collections to the client.
func FuzzWorkshop(f *testing.F) {
	f.Add(
		`{"response":{"result":1,"resultcount":1,"publishedfiledetails":[{"publishedfileid":"121086524","result":1,"creator":"76561198000000001","creator_app_id":766,"consumer_app_id":550,"filename":"myl4d2addons/urbanflight.vpk","file_size":"312345678","file_url":"https://steamusercontent-a.akamaihd.net/ugc/1/2/","hcontent_file":"594","preview_url":"https://images.steamusercontent.com/ugc/1/","title":"t","time_created":1352000000,"time_updated":1380000000,"visibility":0,"banned":0,"tags":[{"tag":"Campaigns"}]}]}}`)
	f.Add(
		`{"response":{"result":1,"publishedfiledetails":[{"publishedfileid":121086524,"result":"9","file_size":-1,"banned":true,"time_updated":"99999999999"}]}}`)
	f.Add(
		`{"response":{"result":1,"collectiondetails":[{"publishedfileid":"121086524","result":1,"children":[{"publishedfileid":"2","sortorder":1,"filetype":0},{"publishedfileid":3,"sortorder":"0","filetype":2}]}]}}`)
	f.Add(`{"response":{"result":84}}`)
	f.Fuzz(func(t *testing.T, body string) {
		files, collections, err := steam.ParseAnswer([]byte(body))
		if err != nil && !errors.Is(err, steam.ErrAnswer) {
			t.Error(err)
		}
		for _, x := range files {
			u, err := url.Parse(x.URL)
			if len(x.Title) > 300 || err != nil || x.URL != "" && u.Scheme != "http" && u.Scheme != "https" ||
				x.Outcome == steam.Available && (x.URL == "" || x.Size < 0 || x.App != 550) {
				t.Errorf("got %+v", x)
			}
		}
		var ids []string
		for id := range collections {
			ids = append(ids, id)
		}
		tree, err := steam.Expand(t.Context(), ids,
			func(context.Context, []string) (map[string][]steam.Child, error) { return collections, nil })
		if err == nil && len(tree.Items) > steam.MaxItems {
			t.Error(len(tree.Items))
		}
	})
}
