package campaigns

import "testing"

func TestChapterOfAMap(t *testing.T) {
	if c := ChapterOf("c2m3_coaster"); c.Campaign != "Dark Carnival" || c.Number != 3 || c.Of != 5 {
		t.Errorf("%+v", c)
	}
	if c := ChapterOf("urbanflight_m1"); c.Campaign != "" || c.Map != "urbanflight_m1" {
		t.Errorf("%+v", c)
	}
}
