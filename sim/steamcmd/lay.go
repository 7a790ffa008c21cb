package main

import (
	"archive/tar"
	"compress/gzip"
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed steamcmd.sh
var script []byte

// lay creates a directory with the layout of Valve's archive, with this program as the binary and the
// variables in sim.env.
func lay(dir string, vars []string) error {
	if err := os.MkdirAll(filepath.Join(dir, "linux32"), 0o755); err != nil {
		return err
	}
	for name, content := range parts(vars) {
		if err := replaceFile(filepath.Join(dir, name), content.data, content.mode); err != nil {
			return err
		}
	}
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, "linux32", "steamcmd"), exe, 0o755)
}

type part struct {
	data []byte
	mode fs.FileMode
}

func parts(vars []string) map[string]part {
	return map[string]part{
		"steamcmd.sh": {script, 0o755},
		"sim.env":     {[]byte(strings.Join(append(vars, ""), "\n")), 0o644},
	}
}

// replaceFile replaces a file that may be in use: writing to a running program would fail.
func replaceFile(path string, data []byte, mode fs.FileMode) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, data, mode); err != nil {
		return err
	}
	return errors.Join(os.Chmod(temp, mode), os.Rename(temp, path))
}

// pack creates an archive of the files that lay creates.
func pack(file string, vars []string) error {
	exe, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	zip := gzip.NewWriter(f)
	t := tar.NewWriter(zip)
	all := parts(vars)
	all["linux32/steamcmd"] = part{exe, 0o755}
	for name, p := range all {
		err = errors.Join(err, t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(p.data)), Mode: int64(p.mode)}))
		_, errWrite := t.Write(p.data)
		err = errors.Join(err, errWrite)
	}
	return errors.Join(err, t.Close(), zip.Close(), f.Close())
}
