package uploads

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/left4me/left4me/internal/left4me"
)

// questionKey returns a key of a question, which its answer names. Positions in the plan would
// not do, because each move changes which questions the plan has.
func questionKey(q left4me.PlanAsk) string {
	b, _ := json.Marshal(q) // no error: q was decoded from JSON
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// answerOf returns the moves of an answer to a question of a plan, or nil if the plan no
// longer has the question.
func answerOf(plan left4me.Plan, question, answer string) []left4me.FolderMove {
	n, err := strconv.Atoi(answer)
	for _, q := range plan.Asks {
		if questionKey(q) == question && err == nil && n >= 0 && n < len(q.Choices) {
			return q.Choices[n].Moves
		}
	}
	return nil
}
