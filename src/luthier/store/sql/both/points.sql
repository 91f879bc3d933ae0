-- Statements about what trials report, which every dialect reads alike.

-- name: count_points
UPDATE attempt SET points = :points WHERE trial = :trial AND number = :attempt;
