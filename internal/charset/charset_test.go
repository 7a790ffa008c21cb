package charset_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/left4me/left4me/internal/charset"
)

// names are typical names of files in campaigns and plugins, by encoding.
var names = map[string][]string{
	"gbk":       {"死亡中心", "求生之路地图", "说明", "安装说明.txt", "黑色狂欢节"},
	"big5":      {"死亡中心", "惡靈勢力地圖", "說明", "安裝說明.txt", "黑色嘉年華"},
	"shift_jis": {"デッドセンター", "表示能力", "説明書.txt", "ソース", "暗いカーニバル"},
	"euc-kr":    {"죽음의 도시", "지도 파일", "설명서.txt", "맵파일", "레프트포데드", "똠방각하"},
	"cp866":     {"Карты", "Последний рубеж", "карта.vpk", "Установка.txt"},
	"cp1251":    {"Карты", "Последний рубеж", "карта.vpk", "Установка.txt"},
	"gb18030":   {"死亡中心㐀𠮷", "求生之路地图", "安装说明㐁.txt"},
}

func encoded(t testing.TB, encoding string, texts ...string) (all [][]byte) {
	t.Helper()
	e, ok := charset.Find(encoding)
	if !ok {
		t.Fatalf("unknown encoding %s", encoding)
	}
	for _, s := range texts {
		b, err := e.Encode(s)
		if err != nil {
			t.Fatalf("%q in %s: %v", s, encoding, err)
		}
		all = append(all, b)
	}
	return all
}

func TestTwoOrThreeNamesSufficeForDetection(t *testing.T) {
	for encoding, all := range names {
		for i := range all {
			for j := i + 1; j < len(all); j++ {
				sets := [][]string{{all[i], all[j]}}
				for k := j + 1; k < len(all); k++ {
					sets = append(sets, []string{all[i], all[j], all[k]})
				}
				for _, set := range sets {
					if encoding == "gb18030" && i > 0 { // only the first name has characters that GBK lacks
						continue
					}
					e, _ := charset.Find(encoding)
					g := charset.Detect(encoded(t, encoding, set...), "")
					found, _ := charset.Find(g.Name)
					text, err := found.Decode(encoded(t, encoding, set[0])[0])
					if err != nil || text != set[0] {
						t.Errorf("%s %q: got %+v, %q", e.Name, set, g, text)
					}
				}
			}
		}
	}
}

func TestDetectFindsWesternEncodings(t *testing.T) {
	for encoding, set := range map[string][]string{
		"cp437":  {"Überfall für Zwölf", "Größe"},
		"cp850":  {"São Gonçalo", "Ávila"},
		"cp1252": {"Überfall für Zwölf", "Größe", "Été à la plage"},
		"cp1250": {"Źródło zła", "Příliš žluťoučký kůň"},
		"cp852":  {"Źródło zła", "Příliš žluťoučký kůň"},
	} {
		g := charset.Detect(encoded(t, encoding, set...), "")
		found, _ := charset.Find(g.Name)
		for _, s := range set {
			if text, err := found.Decode(encoded(t, encoding, s)[0]); err != nil || text != s {
				t.Errorf("%s: got %+v, %q", encoding, g, text)
			}
		}
	}
}

func TestHintDecidesSingleShortName(t *testing.T) {
	for encoding, all := range names {
		if encoding == "gb18030" {
			continue
		}
		for _, name := range all[:2] {
			b := encoded(t, encoding, name)
			if g := charset.Detect(b, encoding); g.Name != encoding || g.Sure && len(b[0]) < 24 {
				t.Errorf("%s %q: got %+v", encoding, name, g)
			}
		}
	}
	// A hint that cannot decode the name is ignored.
	if g := charset.Detect(encoded(t, "cp1251", "карта"), "shift_jis"); g.Name != "cp1251" || g.Sure {
		t.Errorf("got %+v", g)
	}
	if g := charset.Detect([][]byte{[]byte("карта"), []byte("map")}, "gbk"); g.Name != "" || !g.Sure {
		t.Errorf("got %+v", g)
	}
}

// The second byte of these characters is \, which a decoder may have replaced with /.
func TestUnslashedRestoresBackslashBytes(t *testing.T) {
	for encoding, name := range map[string]string{"shift_jis": "表示/ソース能力", "big5": "功能/許功蓋", "gbk": "誠/地图"} {
		e, _ := charset.Find(encoding)
		b := encoded(t, encoding, name)[0]
		slashed := []byte(strings.ReplaceAll(string(b), `\`, "/"))
		if string(slashed) == string(b) {
			t.Errorf("the %s bytes of %q contain no \\", encoding, name)
		}
		if text, err := e.Decode(e.Unslashed(slashed)); err != nil || text != name {
			t.Errorf("%s: %q, %v", encoding, text, err)
		}
	}
}

func TestEncodingsAreDetected(t *testing.T) {
	for name, want := range map[string]string{
		"GBK": "gbk", "cp936": "gbk", "Windows-1251": "cp1251", "windows-949": "euc-kr", "SJIS": "shift_jis", "ibm866": "cp866",
		"UTF8": "utf-8", "koi8-u": "koi8-u", "ebcdic": "",
	} {
		if e, ok := charset.Find(name); e.Name != want || ok != (want != "") {
			t.Errorf("%s: %+v", name, e)
		}
	}
	for list, want := range map[string]string{
		"zh-CN,zh;q=0.9": "gbk", "zh-TW": "big5", "zh_HK.UTF-8": "big5", "zh-Hant-TW": "big5", "zh": "gbk", "ja": "shift_jis",
		"ko-KR,ko;q=0.8": "euc-kr", "ru_RU.UTF-8": "cp866",
		"de-DE,en;q=0.5": "cp850", "en-US,zh": "", "C.UTF-8": "", "": "", "pl;q=1": "cp852",
	} {
		if got := charset.ForLanguages(list); got != want {
			t.Errorf("%q: %q", list, got)
		}
	}
}

// tenThousand returns names like those in an archive of 10,000 entries.
func tenThousand(tb testing.TB) (all [][]byte) {
	e, _ := charset.Find("gbk")
	for i := range 10_000 {
		b, err := e.Encode(fmt.Sprintf("left4dead2/求生之路地图/黑色狂欢节_%05d.vpk", i))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// Names beyond the examined number take almost no time. The test measures the thread's own
// processor time, which other processes do not affect. test/bench measures the elapsed time.
func TestManyNamesAreDecodedTogether(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := tenThousand(t)
	took := func(names [][]byte) time.Duration {
		best := time.Duration(math.MaxInt64)
		for range 3 {
			begun := threadTime(t)
			if g := charset.Detect(names, ""); g != (charset.Guess{Name: "gbk", Sure: true}) {
				t.Errorf("got %+v", g)
			}
			best = min(best, threadTime(t)-begun)
		}
		return best
	}
	if few, many := took(all[:2500]), took(all); many > 2*few {
		t.Errorf("2,500 names took %s, 10,000 took %s", few, many)
	}
}

// threadTime returns the processor time of this thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		t.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

func BenchmarkDetect10000Names(b *testing.B) {
	all := tenThousand(b)
	for b.Loop() {
		charset.Detect(all, "")
	}
}

func FuzzDetect(f *testing.F) {
	for encoding, all := range names {
		b := encoded(f, encoding, all...)
		f.Add(b[0], b[1])
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		g := charset.Detect([][]byte{a, b}, "big5")
		e, ok := charset.Find(g.Name)
		if g.Name != "" && !ok {
			t.Errorf("got %+v", g)
		}
		_, _ = e.Decode(e.Unslashed(a))
	})
}
