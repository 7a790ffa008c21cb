package uploads

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/left4me/left4me/internal/left4me"
)

// questionKey returns the key by which an answer identifies its question. A position in the plan is no
// stable key, because each move changes the questions of the plan.
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
