package archive_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/left4me/left4me/internal/host/content/archive"
)

// rar5 returns a RAR 5 archive of stored files (RAR 5.0 archive format, technote).
func rar5(f files) []byte {
	out := bytes.NewBufferString("Rar!\x1a\x07\x01\x00")
	block := func(header []byte, data string) {
		size := vint(uint64(len(header)))
		var sum [4]byte
		binary.LittleEndian.PutUint32(sum[:], crc32.ChecksumIEEE(append(bytes.Clone(size), header...)))
		out.Write(sum[:])
		out.Write(size)
		out.Write(header)
		out.WriteString(data)
	}
	block(slices.Concat(vint(1), vint(0), vint(0)), "") // main archive header
	for _, name := range slices.Sorted(maps.Keys(f)) {
		text := f[name]
		sum := make([]byte, 4)
		binary.LittleEndian.PutUint32(sum, crc32.ChecksumIEEE([]byte(text)))
		n := uint64(len(text))
		// File header (2): with data (2) and a CRC-32 (4), stored, from Unix (1).
		block(slices.Concat(vint(2), vint(2), vint(n), vint(4), vint(n), vint(0o100644), sum, vint(0), vint(1), vint(uint64(len(name))),
			[]byte(name)), text)
	}
	block(slices.Concat(vint(5), vint(0), vint(0)), "") // end of archive header
	return out.Bytes()
}

func vint(n uint64) (b []byte) {
	for ; n >= 0x80; n >>= 7 {
		b = append(b, byte(n)|0x80)
	}
	return append(b, byte(n))
}

// rar5Volumes returns the volumes of a RAR 5 archive of one stored file, with at most each bytes of
// the file per volume.
func rar5Volumes(name, text string, each int) (all []string) {
	for at := 0; at < len(text); at += each {
		out := bytes.NewBufferString("Rar!\x1a\x07\x01\x00")
		block := func(header []byte, data string) {
			size := vint(uint64(len(header)))
			sum := crc32.ChecksumIEEE(append(bytes.Clone(size), header...))
			out.Write(binary.LittleEndian.AppendUint32(nil, sum))
			out.Write(size)
			out.Write(header)
			out.WriteString(data)
		}
		data, last := text[at:min(at+each, len(text))], at+each >= len(text)
		volume := vint(1) // flags: a volume; all but the first have a number
		if at > 0 {
			volume = append(vint(3), vint(uint64(at/each))...)
		}
		block(slices.Concat(vint(1), vint(0), volume), "")
		flags, summed := uint64(2), data // the checksum covers the part, except in the last volume
		if at > 0 {
			flags |= 8
		}
		if last {
			summed = text
		} else {
			flags |= 16
		}
		sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(summed)))
		block(slices.Concat(vint(2), vint(flags), vint(uint64(len(data))), vint(4), vint(uint64(len(text))), vint(0o100644), sum, vint(0),
			vint(1), vint(uint64(len(name))), []byte(name)), data)
		end := uint64(1)
		if last {
			end = 0
		}
		block(slices.Concat(vint(5), vint(0), vint(end)), "")
		all = append(all, out.String())
	}
	return all
}

// rar4Volumes is like rar5Volumes, in the format that RAR 2 to 4 write on Windows. newNames selects
// the flag for names with .part1.rar instead of .r00.
func rar4Volumes(name, text string, each int, newNames bool) (all []string) {
	for at := 0; at < len(text); at += each {
		out := bytes.NewBufferString("Rar!\x1a\x07\x00")
		block := func(kind byte, flags uint16, rest []byte, data string) {
			header := append([]byte{kind, byte(flags), byte(flags >> 8)}, binary.LittleEndian.AppendUint16(nil, uint16(7+len(rest)))...)
			header = append(header, rest...)
			out.Write(binary.LittleEndian.AppendUint16(nil, uint16(crc32.ChecksumIEEE(header))))
			out.Write(header)
			out.WriteString(data)
		}
		data, last := text[at:min(at+each, len(text))], at+each >= len(text)
		volume, flags, summed, end := uint16(1), uint16(0x8000), data, uint16(1)
		if newNames {
			volume |= 0x10
		}
		if at == 0 {
			volume |= 0x100
		} else {
			flags |= 1
		}
		if last {
			summed, end = text, 0
		} else {
			flags |= 2
		}
		if each >= len(text) {
			volume = 0 // a single file
		}
		block(0x73, volume, make([]byte, 6), "")
		b := binary.LittleEndian.AppendUint32(nil, uint32(len(data)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(text)))
		b = append(b, 2) // Windows
		b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(summed)))
		b = append(b, 0, 0, 0x21, 0x58, 20, 0x30) // a date in 2024, version, stored
		b = binary.LittleEndian.AppendUint16(b, uint16(len(name)))
		b = binary.LittleEndian.AppendUint32(b, 0x20)
		block(0x74, flags, append(b, name...), data)
		block(0x7b, end, nil, "")
		all = append(all, out.String())
	}
	return all
}

// parts returns volumes with numbered names.
func parts(format string, first int, volumes []string) files {
	out := files{}
	for i, v := range volumes {
		out[fmt.Sprintf(format, first+i)] = v
	}
	return out
}

func TestMultiPartArchivesAreJoined(t *testing.T) {
	text := noise(1000)
	five := rar5Volumes("addons/a.vpk", text, 300)
	old := parts("Campaign.r%02d", -1, rar4Volumes(`addons\a.vpk`, text, 300, false))
	old["Campaign.RAR"] = old["Campaign.r-1"]
	delete(old, "Campaign.r-1")
	many := files{}
	for i, v := range rar4Volumes(`addons\a.vpk`, text, 9, false) {
		name := "m.rar"
		if i > 0 {
			name = fmt.Sprintf("m.%c%02d", 'r'+(i-1)/100, (i-1)%100)
		}
		many[name] = v
	}
	whole := string(rar5(files{"addons/a.vpk": text}))
	for what, c := range map[string]files{
		"RAR 5":                   parts("Campaign.part%d.rar", 1, five),
		"RAR 5, in a folder":      parts("downloads/Campaign 1.0.part%02d.rar", 1, five),
		"RAR 4":                   parts("x.part%03d.RAR", 1, rar4Volumes(`addons\a.vpk`, text, 300, true)),
		"RAR 4, .r00 names":       old,
		"RAR 4, beyond r99":       many,
		"RAR in pieces":           parts("x.rar.%03d", 1, []string{whole[:500], whole[500:700], whole[700:]}),
		"tar.gz in pieces":        cut("x.tar.gz.%03d", gzipped(string(tarOf(t, tarFile("addons/a.vpk", len(text))))), 40),
		"next to another archive": with(parts("x.part%d.rar", 1, five), "y.zip", string(zipOf(t, "addons/b.vpk"))),
	} {
		t.Run(what, func(t *testing.T) {
			got, plan := imported(t, put(t, c), archive.Options{}, decoderCommand)
			want := files{"left4dead2/addons/a.vpk": text}
			if strings.Contains(what, "tar.gz") {
				want["left4dead2/addons/a.vpk"] = strings.Repeat("x", len(text))
			}
			if strings.Contains(what, "next to") {
				want["left4dead2/addons/b.vpk"] = "x"
			}
			if d := cmp.Diff(want, got); d != "" || len(plan.Skipped) != 0 {
				t.Errorf("skipped %v; mismatch (-want +got):\n%s", plan.Skipped, d)
			}
		})
	}
	for what, c := range map[string]struct {
		in   files
		says string
	}{
		"first missing": {
			without(parts("x.part%d.rar", 1, five), "x.part1.rar"),
			"part 1 of the multi-part archive x.partN.rar is missing",
		},
		"middle missing": {
			without(parts("x.part%d.rar", 1, five), "x.part3.rar"),
			"part 3 of the multi-part archive x.partN.rar is missing",
		},
		"last missing": {without(parts("x.part%d.rar", 1, five), "x.part4.rar"), "one part of a multi-part archive"},
		".rar missing": {without(old, "Campaign.RAR"), "part 1 of the multi-part archive campaign.rar is missing"},
		"7z part missing": {
			files{"x.7z.002": "x", "x.7z.001": "7z\xbc\xaf\x27\x1c", "x.7z.004": "x"}, "part 3 of the multi-part archive x.7z is missing",
		},
		"last part of a zip missing": {files{"x.z01": "PK\x07\x08"}, "the last part of the multi-part archive, x.zip, is missing"},
		"duplicate part": {
			with(parts("x.part%d.rar", 1, five), "x.part02.rar", five[1]),
			"part 2 of the multi-part archive x.partN.rar was uploaded twice",
		},
	} {
		_, err := open(t, put(t, c.in), archive.Options{})
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "together") {
			t.Errorf("%s: got %v, want %q", what, err, c.says)
		}
	}
}

func without(f files, name string) files { f = maps.Clone(f); delete(f, name); return f }

func with(f files, name, text string) files { f = maps.Clone(f); f[name] = text; return f }

// cut splits text into pieces of each bytes with numbered names.
func cut(format, text string, each int) files {
	var pieces []string
	for piece := range slices.Chunk([]byte(text), each) {
		pieces = append(pieces, string(piece))
	}
	return parts(format, 1, pieces)
}

// In split zips of Info-ZIP and WinZip, offsets count from the start of each part.
func TestSplitZipIsImported(t *testing.T) {
	src := put(t, files{"addons/a.vpk": noise(150_000), "addons/b.vpk": noise(20_000), "cfg/x.cfg": "x"})
	dir := t.TempDir()
	run(t, src, "zip", "-qr", "-s", "64k", filepath.Join(dir, "a.zip"), ".")
	if all, err := os.ReadDir(dir); err != nil || len(all) < 3 {
		t.Fatalf("got files %v, want at least 3 parts: %v", all, err)
	}
	got, _ := imported(t, dir, archive.Options{}, decoderCommand)
	if d := cmp.Diff(files{
		"left4dead2/addons/a.vpk": noise(150_000),
		"left4dead2/addons/b.vpk": noise(20_000),
		"left4dead2/cfg/x.cfg":    "x",
	}, got); d != "" {
		t.Errorf("mismatch (-want +got):\n%s", d)
	}
}

func TestExternal7ZipIsSandboxed(t *testing.T) {
	dir := put(t, files{"archive": "readable", "secret": "x"})
	file, err := os.Open(filepath.Join(dir, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	cmd := exec.Command("bash", "-c", `
		cat /proc/self/fd/0; cat "$0/secret" && echo read it; : >"$0/new" && echo wrote it
		: >/dev/tcp/127.0.0.1/9; kill -0 $PPID && echo signalled it; ls "$0" && echo listed it; echo; echo over`, dir)
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = file, &out, &stderr
	if err := archive.StartSandboxed(cmd, file); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || out.String() != "readable\nover\n" {
		t.Errorf("got %v with output %q, want only the archive to be readable", err, out.String())
	}
	if !strings.Contains(stderr.String(), "socket: Operation not permitted") {
		t.Errorf("got stderr %q, want a refused socket", stderr.String())
	}
}
