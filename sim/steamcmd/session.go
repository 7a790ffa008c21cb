package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Known exit codes.
const (
	exitOK        = 0
	exitInfo      = 1
	exitLogin     = 5
	exitUpdate    = 8
	exitRestart   = 42
	exitNoNetwork = 254
)

// session is one run of the program.
type session struct {
	options
	own  string // directory of steamcmd.sh
	home string // state directory: $HOME/Steam
	out  *printer

	vars     map[string]string // set by +@NAME VALUE, by lower-case name
	dir      string            // force_install_dir
	loggedIn bool
	owns     bool // the logged-in account owns the game
	old      bool // the cache is from an earlier run
	strike   bool // the failure occurs in this run
}

// run starts like the real program and executes its commands.
func (s *session) run(args []string) int {
	if code := s.begin(); code != exitOK {
		return code
	}
	commands, err := parseCommands(args)
	if err != nil {
		s.out.line("Failed to load %v", err)
		return exitInfo
	}
	code := s.runCommands(commands)
	s.out.line("CWorkThreadPool::~CWorkThreadPool: work processing queue not empty: %d items discarded.", s.build)
	s.out.line("Unloading Steam API...OK")
	if s.hasFault("exit") {
		code, _ = strconv.Atoi(s.detail)
	}
	return code
}

// begin prepares the state directory and does the work of the updater.
func (s *session) begin() int {
	home := os.Getenv("HOME")
	s.home = filepath.Join(home, "Steam")
	if link, err := os.Stat(filepath.Join(home, ".steam", "steam")); err == nil && link.IsDir() {
		s.home = filepath.Join(home, ".steam", "steam")
	}
	logs := filepath.Join(s.home, "logs")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		s.out.line("Failed to create %s: %v", logs, err)
		return exitInfo
	}
	s.countFault()
	if s.hasFault("mute") {
		code, _ := strconv.Atoi(s.detail)
		return code
	}
	s.out.line("Redirecting stderr to '%s'", filepath.Join(logs, "stderr.txt"))
	s.out.line("Logging directory: '%s'", logs)
	s.out.line("[  0%%] Checking for available updates...")
	s.out.line("[----] Verifying installation...")
	if s.hasFault("offline") {
		s.out.line("[  0%%] Downloading Update...")
		s.out.line("[  0%%] Checking for available update...")
		s.out.line("[----] !!! Fatal Error: Steamcmd needs to be online to update.\t Please confirm your network connection and try again.")
		s.out.line("threadtools.cpp (3294) : Assertion Failed: Illegal termination of worker thread 'Thread(0x0x56769b80/0x0xf777eb'")
		return exitNoNetwork
	}
	if installed := filepath.Join(s.own, "package", "steam_cmd_linux.installed"); !exists(installed) {
		return s.updateSelf(installed)
	}
	s.out.line("UpdateUI: skip show logo")
	s.out.line("Steam Console Client (c) Valve Corporation - version 1737515347")
	s.out.line("-- type 'quit' to exit --")
	s.out.line("Loading Steam API...OK")
	s.out.noise = s.hasFault("noise")
	s.old = exists(s.cache())
	return exitOK
}

func (s *session) cache() string { return filepath.Join(s.home, "appcache", "appinfo.vdf") }

// updateSelf installs the libraries that the archive does not contain.
func (s *session) updateSelf(installed string) int {
	const size = 39758
	for _, done := range []int{0, 2523, 21004, size} {
		s.out.line("[%3d%%] Downloading update (%s of %s KB)...", done*100/size, thousands(done), thousands(size))
	}
	for _, what := range []string{
		"Download complete.", "Extracting package...", "Installing update...", "Cleaning up...",
		"Update complete, launching Steamcmd...",
	} {
		s.out.line("[----] %s", what)
	}
	for name, word := range map[string]string{"linux32": "\x01", "linux64": "\x02"} {
		if err := writeFile(filepath.Join(s.own, name, "steamclient.so"), []byte("\x7fELF"+word+"\x01\x01 simulated")); err != nil {
			s.out.line("[----] !!! Fatal Error: Failed to write: %v", err)
			return exitInfo
		}
	}
	if err := writeFile(installed, []byte("1737515347\n")); err != nil {
		s.out.line("[----] !!! Fatal Error: Failed to write: %v", err)
		return exitInfo
	}
	return exitRestart
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// command is a command with its arguments.
type command []string

// parseCommands parses +command words… and replaces runscript by the lines of the script.
func parseCommands(args []string) ([]command, error) {
	var all []command
	for _, a := range args {
		if name, ok := strings.CutPrefix(a, "+"); ok && name != "" {
			all = append(all, command{name})
		} else if len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], a)
		}
	}
	var out []command
	for _, c := range all {
		if c[0] != "runscript" || len(c) < 2 {
			out = append(out, c)
			continue
		}
		b, err := os.ReadFile(c[1])
		if err != nil {
			return nil, fmt.Errorf("script file '%s': %w", c[1], err)
		}
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if line != "" && !strings.HasPrefix(line, "//") {
				out = append(out, splitWords(line))
			}
		}
	}
	return out, nil
}

// splitWords splits a line at spaces outside of quotes. There are no escapes.
func splitWords(line string) command {
	var words command
	quoted, begun, word := false, false, ""
	for _, r := range line {
		switch {
		case r == '"':
			quoted, begun = !quoted, true
		case r == ' ' && !quoted:
			if begun {
				words = append(words, word)
			}
			begun, word = false, ""
		default:
			begun = true
			word += string(r)
		}
	}
	if begun {
		words = append(words, word)
	}
	return words
}

// runCommands executes the commands in order. Without quit it reads further commands from standard input.
func (s *session) runCommands(commands []command) int {
	code := exitOK
	for _, c := range commands {
		if c[0] == "quit" {
			return code
		}
		got := s.do(c)
		if got != exitOK {
			code = got
			if s.vars["@shutdownonfailedcommand"] == "1" {
				return code
			}
		}
	}
	for in := bufio.NewReader(os.Stdin); ; {
		s.out.printf("\nSteam>")
		s.out.flush()
		line, err := in.ReadString('\n')
		if err == io.EOF || strings.TrimSpace(line) == "quit" {
			return code
		}
		if words := splitWords(strings.TrimSpace(line)); len(words) > 0 {
			code = s.do(words)
		}
	}
}

func (s *session) do(c command) int {
	word := func(i int) string {
		if i < len(c) {
			return c[i]
		}
		return ""
	}
	switch name := strings.ToLower(c[0]); {
	case strings.HasPrefix(name, "@"):
		s.vars[name] = word(1)
	case name == "force_install_dir":
		if s.loggedIn {
			s.out.line("Please use force_install_dir before logon!")
		}
		s.dir = word(1)
		if !filepath.IsAbs(s.dir) {
			s.dir = filepath.Join(s.own, s.dir)
		}
	case name == "login":
		return s.logIn(word(1), word(2), word(3))
	case name == "app_update":
		return s.appUpdate(word(1), word(2) == "validate")
	case name == "app_info_update":
		return s.fetchInfo()
	case name == "app_info_print":
		return s.printInfo(word(1))
	default:
		s.out.line("Command not found: %s", c[0])
		return exitInfo
	}
	return exitOK
}

// countFault decides whether the failure occurs in this run.
func (s *session) countFault() {
	if s.fault == "" {
		return
	}
	file := filepath.Join(s.home, "sim-faults")
	b, _ := os.ReadFile(file)
	n, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	// A run that only updates the program does not reach the point of the failure.
	if selfUpdate := !exists(filepath.Join(s.own, "package", "steam_cmd_linux.installed")); selfUpdate && s.fault != "offline" &&
		s.fault != "mute" {
		return
	}
	s.strike = s.times < 0 || n < s.times
	_ = os.WriteFile(file, []byte(strconv.Itoa(n+1)), 0o644)
}

func (s *session) hasFault(fault string) bool { return s.strike && s.fault == fault }

// triggerFault triggers the failures that can occur at any time.
func (s *session) triggerFault() {
	switch {
	case s.hasFault("hang"):
		hang(filepath.Join(s.home, "sim-hangs"))
	case s.hasFault("kill"):
		die(s.detail)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// log appends to content_log.txt, which contains more than the output.
func (s *session) log(format string, args ...any) {
	f, err := os.OpenFile(filepath.Join(s.home, "logs", "content_log.txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	fmt.Fprintf(f, "[%s] AppID 222860 %s\n", time.Now().Format("2006-01-02 15:04:05"), fmt.Sprintf(format, args...))
	_ = f.Close()
}
