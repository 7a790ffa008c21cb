package uploads

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/left4me/left4me/internal/left4me"
)

// questionKey names a question, so that an answer is about what was asked: which
// questions there are changes with each move.
func questionKey(q left4me.PlanAsk) string {
	b, _ := json.Marshal(q) // it came as JSON
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// answerOf are all moves of an answer to a question of a plan.
func answerOf(plan left4me.Plan, question, answer string) []left4me.FolderMove {
	n, err := strconv.Atoi(answer)
	for _, q := range plan.Asks {
		if questionKey(q) == question && err == nil && n >= 0 && n < len(q.Choices) {
			return q.Choices[n].Moves
		}
	}
	return nil
}
