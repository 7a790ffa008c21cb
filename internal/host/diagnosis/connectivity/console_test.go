package connectivity

import "testing"

func TestScanFindsStateOfSteamConnection(t *testing.T) {
	const start = "left4me: starts on port 27015\n"
	for name, tt := range map[string]struct {
		text string
		want printed
	}{
		"successful start": {
			start +
				"[S_API FAIL] SteamAPI_Init() failed; SteamAPI_IsSteamRunning() failed.\n" +
				"[S_API] SteamAPI_Init(): Loaded '/home/u/.steam/sdk32/steamclient.so' OK.\n" +
				"[S_API FAIL] SteamAPI_Init() failed; create pipe failed.Parent cvar in server.dll not allowed\n" +
				"Network: IP 0.0.0.0, mode MP, dedicated Yes, ports 27015 SV / 0 CL\nConnection to Steam servers successful.\n",
			printed{port: 27015},
		},
		"another port, with the engine's marks": {
			start + "#03:Network: IP 0.0.0.0, mode MP, dedicated Yes, ports 27016 SV / 0 CL\n",
			printed{port: 27016},
		},
		"no library": {
			start + "dlopen failed trying to load:\n/x/.steam/sdk32/steamclient.so\nwith error:\n",
			printed{library: "/x/.steam/sdk32/steamclient.so"},
		},
		"no Steam": {
			start +
				"[S_API FAIL] SteamAPI_Init() failed; unable to locate a running instance of Steam, or a local steamclient.dll.\n",
			printed{noLibrary: true},
		},
		"library of a plugin": {start + "dlopen failed trying to load:\n/x/left4dead2_dlc3/bin/client_srv.so\n", printed{}},
		"lost": {
			start + "Connection to Steam servers successful.\nConnection to Steam servers lost.\n",
			printed{lost: true},
		},
		"lost and found":            {start + "Connection to Steam servers lost.\nConnection to Steam servers successful.\n", printed{}},
		"lines of the previous run": {"MasterRequestRestart\nConnection to Steam servers lost.\n" + start, printed{}},
		"out of date":               {start + "MasterRequestRestart\nYour server needs to be restarted\n", printed{outdated: true}},
		"chat with the same text": {start +
			"Alice: Connection to Steam servers lost.\nMasterRequestRestart: hi\nBob: MasterRequestRestart\n", printed{}},
		"empty and malformed lines": {"\x00\n#\n#1\n#1:\n", printed{}},
	} {
		if got := scan(tt.text); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzScan(f *testing.F) {
	f.Add(
		"left4me: starts on port 1\n#03:Network: IP 0.0.0.0, mode MP, ports 27016 SV / 0 CL\ndlopen failed trying to load:\n" +
			"steamclient.so\nConnection to Steam servers lost.\n")
	f.Add("Network: IP  ports \n#:\n")
	f.Fuzz(func(_ *testing.T, text string) { scan(text) })
}
