package servers

import (
	"context"
	"strings"

	"github.com/left4me/left4me/internal/control/servers"
	"github.com/left4me/left4me/internal/left4me"
	"github.com/left4me/left4me/internal/web/format"
	"github.com/left4me/left4me/internal/web/jobs"
)

// failedShort is why a job failed, in one sentence.
func failedShort(ctx context.Context, j left4me.Job) string {
	what := jobs.KindLabel(ctx, j.Kind) + " failed"
	if j.State == left4me.JobInterrupted {
		what = jobs.KindLabel(ctx, j.Kind) + " was interrupted"
	}
	if j.Error == nil {
		return what + "."
	}
	return what + ": " + format.EndSentence(format.Visible(left4me.HideSecrets(format.ErrorText(ctx, j.Error))))
}

// failedWords is why a job failed, with what to do.
func failedWords(ctx context.Context, j left4me.Job) string {
	if j.Error == nil || format.ErrorHint(ctx, j.Error) == "" {
		return failedShort(ctx, j)
	}
	return failedShort(ctx, j) + " " + format.Sentence(format.Visible(left4me.HideSecrets(format.ErrorHint(ctx, j.Error))))
}

// remedy is the page that helps with a failure.
type remedy struct{ Label, Path string }

// remedyOf is where the cause of a server's failure can be changed, as far as its
// error names it.
func remedyOf(v servers.View) remedy {
	if v.Failed == nil || v.Failed.Error == nil {
		return remedy{}
	}
	settings := "/servers/" + string(v.Name) + "/settings"
	field, _, _ := strings.Cut(v.Failed.Error.Field, "[")
	switch key, isSetting := strings.CutPrefix(field, "settings."); {
	case field == "port":
		return remedy{"Change the port", settings + "#port"}
	case field == "overlays":
		return remedy{"Change the overlays", settings + "#overlays"}
	case field == left4me.FieldMap:
		return remedy{"Change the first map", settings + "#map"}
	case isSetting:
		return remedy{"Change the setting", settings + "#" + key}
	}
	return remedy{}
}
