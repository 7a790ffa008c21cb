package campaigns

import "testing"

func TestChapterOfBuiltInMapAndOfOverlayMap(t *testing.T) {
	if c := ChapterOf("c2m3_coaster"); c.Campaign != "Dark Carnival" || c.Number != 3 || c.Of != 5 {
		t.Errorf("got %+v, want chapter 3 of 5 of Dark Carnival", c)
	}
	if c := ChapterOf("urbanflight_m1"); c.Campaign != "" || c.Map != "urbanflight_m1" {
		t.Errorf("got %+v, want only the name of the map", c)
	}
}
