package charset_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/left4me/left4me/internal/charset"
)

// comments are beginnings of typical cfg files.
var comments = map[string]string{
	"gbk":       "// 服务器设置\r\nhostname \"求生之路 8人战役\"\r\nsv_region 4 // 亚洲\r\n",
	"gb18030":   "// 服务器设置㐀𠮷\nhostname \"求生之路\" // 亚洲\n",
	"big5":      "// 伺服器設定\r\nhostname \"惡靈勢力 八人戰役\"\r\n",
	"shift_jis": "// サーバーの設定\nhostname \"レフト・フォー・デッド\"\n",
	"euc-kr":    "// 서버 설정\nhostname \"레프트 4 데드 한국\"\n",
	"cp1251":    "// настройки сервера\nhostname \"Русский сервер\"\n",
	"cp1252":    "// Einstellungen für den Server\nhostname \"Zwölf Überlebende\"\n",
	"cp1250":    "// nastavení serveru: příliš žluťoučký kůň\nhostname \"Český server\"\n",
	"utf-16le":  "// 服务器\nhostname \"ü\"\n",
	"utf-16be":  "// 服务器\nhostname \"ü\"\n",
	"utf-8":     "// 服务器\nhostname \"ü\"\n",
}

func TestTextsRoundTrip(t *testing.T) {
	for encoding, text := range comments {
		e, ok := charset.FindText(encoding)
		b, err := e.Encode(text)
		if !ok || err != nil {
			t.Fatalf("%s: %v", encoding, err)
		}
		for _, hint := range []string{"", "gbk", "cp866"} {
			got, g, err := charset.ReadText(b, hint)
			if err != nil || got != text || g.Name != encoding {
				t.Errorf("%s with %q: %q, %+v, %v", encoding, hint, got, g, err)
			}
		}
	}
}

func TestHintForNamesDecidesShortText(t *testing.T) {
	// Names from DOS are in CP866, texts from Windows in CP1251.
	e, _ := charset.Find("cp1251")
	b, _ := e.Encode("// ва\n")
	for hint, want := range map[string]string{"cp866": "cp1251", "gbk": "gbk", "ibm866": "cp1251"} {
		if g := charset.DetectText(b, hint); g.Name != want || g.Sure {
			t.Errorf("%s: %+v", hint, g)
		}
	}
}

func TestBinaryFilesAreNotText(t *testing.T) {
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	e, _ := charset.Find("shift_jis")
	japanese, err := e.Encode(comments["shift_jis"])
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{
		"a program":                   exe[:min(len(exe), 1<<20)],
		"a zero":                      []byte("\xc2\xe5\x00"),
		"a control":                   []byte("// \x01 \xc2\xe5\n"),
		"UTF-8, damaged":              []byte("// für\n// größer\n// kaputt: \xc3\n"),
		"half of UTF-16":              []byte("\xff\xfea\x00b"),
		"two codes for one character": append(bytes.Clone(japanese), 0xfa, 0x5c), // the encoder uses the other one
		"half of a pair":              []byte("\xff\xfe\x00\xd8a\x00"),
	} {
		if text, g, err := charset.ReadText(b, ""); !errors.Is(err, charset.ErrNot) {
			t.Errorf("%s: %.60q, %+v, %v", what, text, g, err)
		}
	}
}

func TestValuesDropTruncatedCharacter(t *testing.T) {
	e, _ := charset.Find("gbk")
	b, _ := e.Encode(comments["gbk"])
	decode := charset.Values(b, "")
	v, _ := e.Encode("求生之路")
	if got := decode(v[:len(v)-1]); got != "求生之" {
		t.Errorf("got %q", got)
	}
}

func TestLongTextsAreReadWithinLimit(t *testing.T) {
	e, _ := charset.Find("gbk")
	line, _ := e.Encode("// 服务器设置\n")
	b := bytes.Repeat(line, (1<<20)/len(line))
	if text, g, err := charset.ReadText(b, ""); err != nil || g.Name != "gbk" || !strings.HasPrefix(text, "// 服务器") {
		t.Errorf("got %+v, error %v", g, err)
	}
	// The first character that only GB18030 has comes late in the text.
	e, _ = charset.Find("gb18030")
	last, _ := e.Encode("// 㐀𠮷\n")
	if text, g, err := charset.ReadText(append(b, last...), ""); err != nil || g.Name != "gb18030" || !strings.HasSuffix(text, "// 㐀𠮷\n") {
		t.Errorf("got %+v, error %v", g, err)
	}
}

func FuzzReadText(f *testing.F) {
	for encoding, text := range comments {
		e, _ := charset.FindText(encoding)
		b, _ := e.Encode(text)
		f.Add(b, encoding)
	}
	f.Fuzz(func(t *testing.T, b []byte, hint string) {
		text, g, err := charset.ReadText(b, hint)
		if err != nil {
			return
		}
		e, ok := charset.FindText(g.Name)
		if again, err := e.Encode(text); !ok || err != nil || !bytes.Equal(again, b) {
			t.Errorf("got %q, %+v, error %v", again, g, err)
		}
	})
}

func TestUnencodableCharacterIsReported(t *testing.T) {
	for _, c := range []struct {
		encoding, text string
		r              rune
		line           int
	}{
		{"gbk", "// 服务器\n// ü\n", 0, 0},
		{"gbk", "a\n// 服务器 😀\n", '😀', 2},
		{"cp1251", "Я\nи\n路", '路', 3},
		{"gb18030", "\ue000", '\ue000', 1}, // which would be read as \uf014
		{"utf-8", "😀", 0, 0},
		{"utf-16le", "😀", 0, 0},
	} {
		e, _ := charset.FindText(c.encoding)
		if r, line, lacks := e.Lacks(c.text); r != c.r || line != c.line || lacks != (c.r != 0) {
			t.Errorf("%s %q: %q, %d, %t", c.encoding, c.text, r, line, lacks)
		}
	}
}
