package overlays_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/left4me/left4me/internal/control/overlays"
	"github.com/left4me/left4me/internal/left4me"
)

func TestParseWorkshop(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ids        []left4me.WorkshopID
		bad        []string
	}{
		{"nothing", "  \n", nil, nil},
		{"a number", "121086524", []left4me.WorkshopID{"121086524"}, nil},
		{"numbers, once each and in order", "3, 121086524;7\n3\t9", []left4me.WorkshopID{"3", "121086524", "7", "9"}, nil},
		{"a link", "https://steamcommunity.com/sharedfiles/filedetails/?id=121086524", []left4me.WorkshopID{"121086524"}, nil},
		{
			"a link from a search", "https://steamcommunity.com/workshop/filedetails/?id=121086524&searchtext=dead+2020",
			[]left4me.WorkshopID{"121086524"},
			nil,
		},
		{
			"the id after other parameters", "http://steamcommunity.com/workshop/filedetails/?searchtext=x&amp;id=121086524",
			[]left4me.WorkshopID{"121086524"},
			nil,
		},
		{
			"links of the client",
			"steam://url/CommunityFilePage/121086524 steam://openurl/https://steamcommunity.com/sharedfiles/filedetails/?id=7",
			[]left4me.WorkshopID{"121086524", "7"},
			nil,
		},
		{
			"a link behind a redirect",
			"https://steamcommunity.com/linkfilter/?u=https%3A%2F%2Fsteamcommunity.com%2Fsharedfiles%2Ffiledetails%2F%3Fid%3D121086524",
			[]left4me.WorkshopID{"121086524"},
			nil,
		},
		{
			"links and numbers keep their order", "5 https://steamcommunity.com/sharedfiles/filedetails/?id=4 3",
			[]left4me.WorkshopID{"5", "4", "3"},
			nil,
		},
		{
			"a sentence", "My 2 favourites: (121086524), https://steamcommunity.com/sharedfiles/filedetails/?id=7. Try both.",
			[]left4me.WorkshopID{"121086524", "7"},
			[]string{"2"},
		},
		{
			"the source of a page",
			`<a href="https://steamcommunity.com/sharedfiles/filedetails/?id=121086524"><img src="https://x/2020/5"></a> 4711 votes
<a href="https://steamcommunity.com/sharedfiles/filedetails/?id=121086524">again</a><a href='/sharedfiles/filedetails/?id=8'>`,
			[]left4me.WorkshopID{"121086524", "8"},
			nil,
		},
		{
			"invalid ids and links",
			"0 0012 123456789012345678901 https://example.org/?id=5 https://steamcommunity.com/sharedfiles/filedetails/?id=", nil,
			[]string{
				"0", "0012", "123456789012345678901", "https://example.org/?id=5", "sharedfiles/filedetails/?id=…",
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, bad := overlays.ParseWorkshop(c.text)
			if !slices.Equal(ids, c.ids) || !slices.Equal(bad, c.bad) {
				t.Errorf("%q, bad %q", ids, bad)
			}
		})
	}
}

var id = regexp.MustCompile(`^[1-9][0-9]{0,19}$`)

func FuzzParseWorkshop(f *testing.F) {
	for _, s := range []string{
		"121086524", "1 2,3;4", "https://steamcommunity.com/sharedfiles/filedetails/?id=121086524&searchtext=a",
		"steam://url/CommunityFilePage/1",
		`<a href="/workshop/filedetails/?id=1&amp;x=2">`, "%2Fsharedfiles%2Ffiledetails%3Fid%3D7", "id=5", "\xff\x00",
		"filedetails/?id=99999999999999999999999",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		ids, bad := overlays.ParseWorkshop(text)
		seen := map[left4me.WorkshopID]bool{}
		for _, v := range ids {
			if !id.MatchString(string(v)) || seen[v] {
				t.Errorf("%q in %q", v, text)
			}
			seen[v] = true
		}
		if len(bad) > 20 {
			t.Errorf("%d rejected parts", len(bad))
		}
		again, _ := overlays.ParseWorkshop(text)
		if !slices.Equal(ids, again) {
			t.Error("parsing the result gives different ids")
		}
	})
}
