package jobs

import "time"

// SetResendInterval shortens the interval between resends for tests.
func (j *Jobs) SetResendInterval(d time.Duration) { j.resendEvery = d }
