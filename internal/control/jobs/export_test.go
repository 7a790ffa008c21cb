package jobs

import "time"

// SendAgainEvery shortens the interval between resends for tests.
func (j *Jobs) SendAgainEvery(d time.Duration) { j.resendEvery = d }
