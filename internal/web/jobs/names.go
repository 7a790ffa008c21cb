package jobs

import (
	"strings"

	"github.com/left4me/left4me/internal/left4me"
)

// verb says what a job is where its target stands beside it.
func verb(k left4me.JobKind) string {
	switch k {
	case left4me.CreateBackup:
		return "Back up"
	case left4me.VerifyBackup:
		return "Verify backup"
	case left4me.InstallGame, left4me.UpdateGame, left4me.VerifyGame:
		return Title(k) + " the game"
	case left4me.RollbackGame:
		return "Roll back the game"
	case left4me.FlattenGame:
		return "Merge builds of the game"
	case left4me.CheckGame:
		return "Check for a newer build"
	case left4me.BuildOverlay:
		return "Build overlay"
	case left4me.DeleteOverlay:
		return "Delete overlay"
	case left4me.RestoreOverlay:
		return "Take back overlay"
	case left4me.CollectContent:
		return "Tidy up content"
	case left4me.DiscardUpper:
		return "Drop written files"
	}
	return Title(k)
}

// Name says what a job does.
func Name(j left4me.Job) string {
	if j.Kind.Noun() == left4me.InstallGame.Noun() || j.Kind == left4me.CollectContent {
		return verb(j.Kind) + " on " + string(j.Target)
	}
	return verb(j.Kind) + " " + string(j.Target)
}

// Title says what a job is.
func Title(k left4me.JobKind) string {
	verb := k.Verb()
	if verb == "" {
		return string(k)
	}
	return strings.ToUpper(verb[:1]) + verb[1:]
}
