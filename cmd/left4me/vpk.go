package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/left4me/left4me/internal/cli/output"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/source/vpk"
)

// vpkCommand reads files of this machine and needs no running left4me.
func vpkCommand() *cobra.Command {
	const dir = "\n\nIf the archive consists of several files, FILE is the one that ends in _dir.vpk."
	ls := &cobra.Command{
		Use:     "ls FILE",
		Aliases: []string{"list"},
		Short:   "List the files in a VPK",
		Args:    vpkArgs(1, 1),
		Long:    "List the files in a VPK: size in bytes, CRC-32, path." + dir,
	}
	ls.RunE = func(c *cobra.Command, args []string) error {
		return withVPK(args[0], "list", func(a *vpk.Archive) error { return vpkList(c, a) })
	}
	cat := &cobra.Command{
		Use:   "cat FILE PATH",
		Short: "Print a file of a VPK",
		Args:  vpkArgs(2, 2),
		Long:  "Print a file of a VPK to standard output and verify its checksum." + dir,
	}
	cat.RunE = func(c *cobra.Command, args []string) error {
		return withVPK(args[0], "read", func(a *vpk.Archive) error { return vpkCat(c.Context(), c.OutOrStdout(), a, args[1]) })
	}
	verify := &cobra.Command{
		Use:   "verify FILE",
		Short: "Verify all checksums of a VPK",
		Args:  vpkArgs(1, 1),
		Long:  "Read a whole VPK and verify all of its checksums. The exit code is 1 if one is\nwrong." + dir,
	}
	verify.RunE = func(c *cobra.Command, args []string) error {
		return withVPK(args[0], "verify", func(a *vpk.Archive) error { return vpkVerify(c, args[0], a) })
	}
	extract := &cobra.Command{
		Use: "extract FILE [PATH]...", Short: "Extract files of a VPK to a directory", Args: vpkArgs(1, -1),
		Long: "Extract a VPK, or the given files and directories of it, to a directory. Existing\n" +
			"files are replaced. An archive with duplicate names, or with names that lead out of\n" +
			"the directory, is refused before any file is written." + dir,
	}
	into := extract.Flags().String("into", ".", "target directory, created if missing")
	extract.RunE = func(c *cobra.Command, args []string) error {
		return withVPK(args[0], "extract", func(a *vpk.Archive) error { return vpkExtract(c, a, *into, args[1:]) })
	}
	group := &cobra.Command{
		Use:   "vpk",
		Short: "Read VPK files on this computer",
		Args:  noArguments,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	group.AddCommand(ls, cat, verify, extract)
	return group
}

// vpkArgs checks the number of arguments; a negative maximum means no limit.
func vpkArgs(low, high int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) < low || high >= 0 && len(args) > high {
			return left4me.NewError(left4me.Invalid, "usage.arguments", "usage", c.UseLine(), "command", c.CommandPath())
		}
		return nil
	}
}

// withVPK opens an archive and calls f. Errors include the verb and the name.
func withVPK(name, verb string, f func(*vpk.Archive) error) error {
	a, err := vpk.Open(name)
	if err == nil {
		defer a.Close()
		err = f(a)
	}
	switch {
	case err == nil, errors.Is(err, output.ErrFailed):
		return err
	case a == nil && errors.Is(err, fs.ErrNotExist):
		err = left4me.NewError(left4me.NotFound, "file.unknown").Because(err)
	}
	return fmt.Errorf("%s %s: %w", verb, name, err)
}

// vpkList formats lines itself for speed, because archives have tens of thousands of files.
func vpkList(c *cobra.Command, a *vpk.Archive) error {
	w := bufio.NewWriterSize(c.OutOrStdout(), 64<<10)
	asJSON, _ := c.Flags().GetBool("json")
	quiet, _ := c.Flags().GetBool("quiet")
	wide := len("SIZE")
	for _, e := range a.Entries() {
		wide = max(wide, len(strconv.FormatInt(e.Size, 10)))
	}
	switch {
	case asJSON:
		_ = w.WriteByte('[')
	case !quiet:
		fmt.Fprintf(w, "%*s  %-8s  %s\n", wide, "SIZE", "CRC32", "PATH")
	}
	var line []byte
	for i := range a.Entries() {
		e := &a.Entries()[i]
		line = line[:0]
		switch {
		case asJSON:
			if i > 0 {
				line = append(line, ',')
			}
			line = append(appendJSON(append(line, `{"path":`...), e.Path), `,"size":`...)
			line = append(strconv.AppendInt(line, e.Size, 10), `,"crc32":"`...)
			line = append(appendHex(line, e.CRC), `"}`...)
		default:
			if !quiet {
				size := strconv.AppendInt(nil, e.Size, 10)
				line = append(append(line, spaces[:max(0, wide-len(size))]...), size...)
				line = append(appendHex(append(line, "  "...), e.CRC), "  "...)
			}
			if plain(e.Path) {
				line = append(line, e.Path...)
			} else {
				line = append(line, output.OneLine(e.Path)...)
			}
			line = append(line, '\n')
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
	if asJSON {
		_, _ = w.WriteString("]\n") // Flush returns the error
	}
	return w.Flush()
}

const spaces = "                    " // as long as the longest number

// plain reports whether a text needs no escaping in a terminal and in JSON.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			return false
		}
	}
	return true
}

func appendJSON(b []byte, s string) []byte {
	if plain(s) {
		return append(append(append(b, '"'), s...), '"')
	}
	text, err := json.Marshal(s)
	if err != nil {
		text = []byte(`""`) // a string can always be encoded
	}
	return append(b, text...)
}

// appendHex appends eight hexadecimal digits.
func appendHex(b []byte, v uint32) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[v>>shift&15])
	}
	return b
}

func vpkCat(ctx context.Context, w io.Writer, a *vpk.Archive, path string) error {
	e, ok := a.Find(path)
	if !ok {
		return left4me.NewError(left4me.NotFound, "vpk.no_such_file", "path", path)
	}
	sum := crc32.NewIEEE()
	if _, err := io.Copy(io.MultiWriter(w, sum), during{ctx, a.Reader(e)}); err != nil {
		return err
	}
	if sum.Sum32() != e.CRC {
		return fmt.Errorf("%s: the checksum is wrong", path)
	}
	return nil
}

// during is a reader that fails once its context has ended.
type during struct {
	ctx context.Context
	r   io.Reader
}

func (d during) Read(b []byte) (int, error) {
	if err := d.ctx.Err(); err != nil {
		return 0, err
	}
	return d.r.Read(b)
}

// shownProblems is the maximum number of problems that are printed.
const shownProblems = 100

func vpkVerify(c *cobra.Command, name string, a *vpk.Archive) error {
	problems, err := a.Verify(c.Context(), nil)
	if err != nil {
		return err
	}
	var bytes int64
	for _, e := range a.Entries() {
		bytes += e.Size
	}
	w := c.OutOrStdout()
	quiet, _ := c.Flags().GetBool("quiet")
	if asJSON, _ := c.Flags().GetBool("json"); asJSON {
		type problem struct {
			Path  string `json:"path"`
			Error string `json:"error"`
		}
		list := make([]problem, len(problems))
		for i, p := range problems {
			list[i] = problem{p.Entry, p.Err.Error()}
		}
		err = json.NewEncoder(w).Encode(map[string]any{"entries": len(a.Entries()), "bytes": bytes, "problems": list})
	} else {
		for i, p := range problems {
			if i == shownProblems {
				fmt.Fprintf(w, "and %d more\n", len(problems)-i)
				break
			}
			what := p.Entry
			if what == "" {
				what = name
			}
			if quiet {
				fmt.Fprintln(w, output.OneLine(what))
				continue
			}
			fmt.Fprintf(w, "%s: %s\n", output.OneLine(what), output.OneLine(p.Err.Error()))
		}
		if len(problems) == 0 && !quiet {
			_, err = fmt.Fprintf(w, "%s: version %d, %d entries, %d bytes, all checksums are correct\n", output.OneLine(name), a.Version,
				len(a.Entries()), bytes)
		}
	}
	if err == nil && len(problems) > 0 {
		err = output.ErrFailed
	}
	return err
}

func vpkExtract(c *cobra.Command, a *vpk.Archive, into string, paths []string) error {
	if err := os.MkdirAll(into, 0o777); err != nil {
		return err
	}
	dir, err := os.OpenRoot(into)
	if err != nil {
		return err
	}
	defer dir.Close()
	quiet, _ := c.Flags().GetBool("quiet")
	files, bytes := 0, int64(0)
	err = a.Extract(c.Context(), dir, paths, func(e vpk.Entry) { files++; bytes += e.Size })
	if errors.Is(err, fs.ErrNotExist) {
		var at *vpk.Error
		if errors.As(err, &at) {
			err = left4me.NewError(left4me.NotFound, "vpk.no_such_file", "path", at.Entry)
		}
	}
	if err == nil && !quiet {
		_, err = fmt.Fprintf(c.OutOrStdout(), "%d files, %d bytes\n", files, bytes)
	}
	return err
}
