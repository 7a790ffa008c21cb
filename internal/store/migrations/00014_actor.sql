-- +goose Up
-- Requester of a job or rollout: asked_by is the displayed name; for a token it is the owner's name.
ALTER TABLE job ADD COLUMN asked_kind      TEXT NOT NULL DEFAULT ''; -- user, token, system or host
ALTER TABLE job ADD COLUMN asked_token     TEXT NOT NULL DEFAULT ''; -- label of a token
ALTER TABLE rollout ADD COLUMN asked_by_id TEXT NOT NULL DEFAULT ''; -- of the user, or of the owner of the token
ALTER TABLE rollout ADD COLUMN asked_kind  TEXT NOT NULL DEFAULT '';
ALTER TABLE rollout ADD COLUMN asked_token TEXT NOT NULL DEFAULT '';
ALTER TABLE event ADD COLUMN actor_owner   TEXT NOT NULL DEFAULT ''; -- owner of a token

-- In existing rows the kind follows from the name: one of left4me's own names, possibly followed by
-- a space or a comma and more text, or the name of a user.
UPDATE job SET asked_kind = CASE
  WHEN asked_by = '' OR substr(asked_by, 1, 11) = 'rollout of '
    OR asked_by IN ('schedule', 'schedule,', 'left4me', 'left4me,')
    OR substr(asked_by, 1, 9) = 'schedule ' OR substr(asked_by, 1, 10) = 'schedule, '
    OR substr(asked_by, 1, 8) = 'left4me ' OR substr(asked_by, 1, 9) = 'left4me, ' THEN 'system'
  ELSE 'user' END;
UPDATE rollout SET asked_kind = CASE WHEN asked_by IN ('', 'schedule', 'left4me') THEN 'system' ELSE 'user' END;
