package servers

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/locale"
	"github.com/left4me/left4me/internal/web/format"
)

// failure returns why a job failed, in one sentence.
func failure(ctx context.Context, j left4me.Job) string {
	job, reason := jobNoun(ctx, j.Kind), ""
	if j.Error != nil {
		reason = format.EndSentence(format.Visible(left4me.HideSecrets(format.ErrorText(ctx, j.Error))))
	}
	switch interrupted := j.State == left4me.JobInterrupted; {
	case interrupted && reason != "":
		return locale.T(ctx, "servers.failure.interrupted_because", "job", job, "reason", reason)
	case interrupted:
		return locale.T(ctx, "servers.failure.interrupted", "job", job)
	case reason != "":
		return locale.T(ctx, "servers.failure.failed_because", "job", job, "reason", reason)
	}
	return locale.T(ctx, "servers.failure.failed", "job", job)
}

// failureWithHint returns why a job failed, and what to do about it.
func failureWithHint(ctx context.Context, j left4me.Job) string {
	if j.Error == nil || format.ErrorHint(ctx, j.Error) == "" {
		return failure(ctx, j)
	}
	hint := format.Sentence(format.Visible(left4me.HideSecrets(format.ErrorHint(ctx, j.Error))))
	return locale.T(ctx, "servers.failure.with_hint", "failure", failure(ctx, j), "hint", hint)
}

// remedy links to the form field that can fix a failure.
type remedy struct {
	Label locale.Message
	Path  string
}

// remedyOf returns the remedy for a server's failed job, or one without Path if the error does
// not name a field.
func remedyOf(v servers.View) remedy {
	if v.Failed == nil || v.Failed.Error == nil {
		return remedy{}
	}
	settings := "/servers/" + string(v.Name) + "/settings"
	field, _, _ := strings.Cut(v.Failed.Error.Field, "[")
	switch key, isSetting := strings.CutPrefix(field, "settings."); {
	case field == "port":
		return remedy{locale.M("servers.remedy.port"), settings + "#port"}
	case field == "overlays":
		return remedy{locale.M("servers.remedy.overlays"), settings + "#overlays"}
	case field == left4me.FieldMap:
		return remedy{locale.M("servers.remedy.map"), settings + "#map"}
	case isSetting:
		return remedy{locale.M("servers.remedy.setting"), settings + "#" + key}
	}
	return remedy{}
}
