package archive_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/charset"
	"github.com/left4me/left4me/internal/host/content/archive"
	"github.com/left4me/left4me/internal/left4me"
)

// inEncoding encodes names.
func inEncoding(t testing.TB, encoding string, names ...string) (all []string) {
	t.Helper()
	e, _ := charset.Find(encoding)
	for _, n := range names {
		b, err := e.Encode(n)
		if err != nil {
			t.Fatalf("%q in %s: %v", n, encoding, err)
		}
		all = append(all, string(b))
	}
	return all
}

// packedNames returns a zip as packers on Windows write it, with names in the given encoding.
func packedNames(t testing.TB, encoding string, names ...string) string {
	t.Helper()
	var all []zip.FileHeader
	for _, n := range inEncoding(t, encoding, names...) {
		all = append(all, zip.FileHeader{Name: n, NonUTF8: true, CreatorVersion: 0})
	}
	return string(zipped(t, all...))
}

func TestNamesInEachEncodingAreDecoded(t *testing.T) {
	for encoding, names := range map[string][]string{
		"gbk":       {"死亡中心.vpk", "求生之路地图.vpk", "安装说明.vpk"},
		"big5":      {"惡靈勢力地圖.vpk", "功能說明.vpk", "許功蓋.vpk"},
		"shift_jis": {"デッドセンター.vpk", "表示能力.vpk", "ソース表.vpk"},
		"euc-kr":    {"죽음의 도시.vpk", "지도 파일.vpk", "똠방각하.vpk"},
		"gb18030":   {"㐀㐁𠮷.vpk", "求生之路地图.vpk"},
		"cp866":     {"Последний рубеж.vpk", "Карты.vpk"},
		"cp1251":    {"Последний рубеж.vpk", "Карты.vpk"},
		"cp850":     {"São Gonçalo.vpk", "Ávila.vpk"},
		"cp1250":    {"Źródło zła.vpk", "Příliš žluťoučký kůň.vpk"},
		"cp1252":    {"Überfall für Zwölf.vpk", "Größe.vpk"},
	} {
		t.Run(encoding, func(t *testing.T) {
			want := []string{}
			for _, n := range names {
				want = append(want, "left4dead2/addons/"+n)
			}
			slices.Sort(want)
			in := put(t, files{"z": packedNames(t, encoding, names...)})
			got, plan := imported(t, in, archive.Options{}, decoderCommand)
			if d := cmp.Diff(want, slices.Sorted(maps.Keys(got))); d != "" {
				t.Errorf("mismatch (-want +got):\n%s", d)
			}
			if plan.Names == nil || len(plan.Names.Examples) == 0 || plan.Names.Examples[0].Encoding != plan.Names.Encoding {
				t.Fatalf("got names %+v, want examples that begin with the chosen encoding", plan.Names)
			}
			chosen, plan := imported(t, in, archive.Options{Import: left4me.Import{Names: encoding}})
			if d := cmp.Diff(want, slices.Sorted(maps.Keys(chosen))); d != "" || plan.Names.Encoding != encoding || plan.Names.Guess ||
				len(plan.Warnings) != 0 {
				t.Errorf("with encoding %s: got plan %+v, mismatch (-want +got):\n%s", encoding, plan, d)
			}
		})
	}
}

// The second byte of these characters equals \, which is a separator on Windows.
func TestBackslashByteInCharacterIsNoSeparator(t *testing.T) {
	for encoding, names := range map[string][]string{
		"shift_jis": {`ソース\表\能力.vpk`, "addons表.vpk", "予定表"}, "big5": {`功能\許功蓋.vpk`, "成功.vpk"},
	} {
		got, _ := imported(t, put(t, files{"z": packedNames(t, encoding, names...)}),
			archive.Options{Import: left4me.Import{Root: "left4dead2/addons", Names: encoding}}, decoderCommand)
		for _, n := range names {
			if _, ok := got["left4dead2/addons/"+strings.ReplaceAll(n, `\`, "/")]; !ok {
				t.Errorf("%s: got %q, want %q", encoding, slices.Collect(maps.Keys(got)), n)
			}
		}
		// The decoder of old RARs replaces \ by / before the name is decoded.
		name := inEncoding(t, encoding, names[0])[0]
		got, _ = imported(t, put(t, files{"r": rar4Volumes(name, "x", 10, true)[0]}),
			archive.Options{Import: left4me.Import{Root: "left4dead2/addons", Names: encoding}}, decoderCommand)
		if _, ok := got["left4dead2/addons/"+strings.ReplaceAll(names[0], `\`, "/")]; !ok {
			t.Errorf("%s in a RAR: %q", encoding, slices.Collect(maps.Keys(got)))
		}
	}
}

func TestEncodingOfSingleShortNameIsGuessed(t *testing.T) {
	in := put(t, files{"z": packedNames(t, "big5", "地圖.vpk")})
	for hint, want := range map[string]string{"big5": "地圖.vpk", "euc-kr": "", "": ""} {
		got, plan := imported(t, in, archive.Options{Import: left4me.Import{NamesHint: hint}})
		if want != "" && got["left4dead2/addons/"+want] == "" {
			t.Errorf("%s: %q", hint, got)
		}
		if plan.Names == nil || !plan.Names.Guess || len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0].Text, "guess") ||
			!strings.Contains(plan.Warnings[0].Text, plan.Names.Encoding) {
			t.Errorf("hint %q: got names %+v and warnings %+v, want a guess with one warning", hint, plan.Names, plan.Warnings)
		}
		if !slices.ContainsFunc(plan.Names.Examples, func(n left4me.NamesIn) bool {
			return n.Encoding == "big5" && slices.Equal(n.Names, []string{"地圖.vpk"})
		}) {
			t.Errorf("%s: the examples lack big5: %+v", hint, plan.Names.Examples)
		}
	}
}

// Texts in an archive usually have the same encoding as its names.
func TestEncodingOfNamesIsDetectedFromTexts(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	text := inEncoding(t, "big5", "惡靈勢力二 戰役地圖\r\n安裝說明：把檔案放進附加元件資料夾。\r\n")[0]
	for _, e := range []struct{ name, text string }{{inEncoding(t, "big5", "地圖.vpk")[0], "x"}, {"readme.txt", text}} {
		f, err := w.CreateHeader(&zip.FileHeader{Name: e.name, NonUTF8: true, Method: zip.Deflate})
		if err == nil {
			_, err = f.Write([]byte(e.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, plan := imported(t, put(t, files{"z": b.String()}), archive.Options{Import: left4me.Import{NamesHint: "gbk"}}, decoderCommand)
	if got["left4dead2/addons/地圖.vpk"] == "" || plan.Names.Encoding != "big5" || plan.Names.Guess {
		t.Errorf("got %q, %+v", got, plan.Names)
	}
}

func TestNamesInvalidInChosenEncodingAreRefused(t *testing.T) {
	in := put(t, files{"z": packedNames(t, "gbk", "求生之路地图.vpk", "死亡中心.vpk")})
	_, err := open(t, in, archive.Options{Import: left4me.Import{Names: "iso-8859-6"}})
	if e, ok := left4me.Public(err); !ok || !strings.Contains(e.Text, "iso-8859-6") {
		t.Errorf("got %v, want an error that names iso-8859-6", err)
	}
	if _, err := open(t, in, archive.Options{Import: left4me.Import{Names: "ebcdic"}}); !errors.Is(err, left4me.Invalid) {
		t.Errorf("unknown encoding: got %v, want Invalid", err)
	}
}
