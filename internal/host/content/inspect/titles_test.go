package inspect_test

import (
	"testing"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/host/content/inspect"
)

func TestTitlesInLegacyEncodingsAreDecoded(t *testing.T) {
	for encoding, texts := range map[string][3]string{
		"gbk": {"死亡中心 重制版", "一张求生之路地图", "酒店"}, "big5": {"惡靈勢力 黑色嘉年華", "一張地圖", "飯店"},
		"cp1251":    {"Последний рубеж", "Карта для четверых", "Отель"},
		"shift_jis": {"デッドセンター", "四人の地図です", "ホテル"}, "euc-kr": {"죽음의 도시", "네 명을 위한 지도", "호텔"},
		"cp1252": {"Überfall für Zwölf", "Eine Karte für größere Gruppen", "Café"},
	} {
		e, _ := charset.Find(encoding)
		b, err := e.Encode("mission { name Aye displaytitle \"" + texts[0] + "\" description \"" + texts[1] +
			"\" modes { coop { 1 { map a1 displayname \"" + texts[2] + "\" } } } }")
		must(t, err)
		l := layer{"addons/a.vpk": pack("missions/a.txt", string(b), "maps/a1.bsp", "x"), "missions/b.txt": b, "maps/a1.bsp": nil}
		_, all := tree(t, l)
		if len(all) != 2 {
			t.Fatalf("got campaigns %+v, want 2", all)
		}
		for _, c := range all {
			if c.Title != texts[0] || c.Description != texts[1] || c.Modes["coop"][0].Title != texts[2] {
				t.Errorf("%s: got %+v, want %q", encoding, c, texts)
			}
		}
	}
}

// Two bytes can be Cyrillic or Chinese, so the encoding set for names in archives decides.
func TestHintDecidesEncodingOfShortTitle(t *testing.T) {
	dir := layer{
		"missions/a.txt": []byte("mission { name Aye displaytitle \"\xc2\xe0\" modes { coop { 1 { map a1 } } } }"),
		"maps/a1.bsp":    nil,
	}.lay(t)
	for hint, title := range map[string]string{"cp866": "Ва", "gbk": "锣"} {
		_, all, err := inspect.Tree(t.Context(), dir, hint)
		must(t, err)
		more, err := inspect.Campaigns(t.Context(), inspect.Layer{Dir: dir, Hint: hint})
		must(t, err)
		if len(all) != 1 || len(more) == 0 || all[0].Title != title || more[0].Title != title {
			t.Errorf("hint %q: got %+v, %+v, want title %q", hint, all, more, title)
		}
	}
}
