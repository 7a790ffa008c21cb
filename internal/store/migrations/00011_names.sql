-- +goose Up
-- The encoding of names in archives that are too short to tell: automatic, or the
-- name of one. NULL until the first upload sets it.
ALTER TABLE site ADD COLUMN names TEXT;
