-- +goose Up
-- Encoding of names in archives that are too short for detection: an encoding, or "automatic".
-- NULL until the first upload sets it.
ALTER TABLE site ADD COLUMN names TEXT;
