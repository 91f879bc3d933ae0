-- Statements about workers, and about contents that travel with the record.

-- name: announce
INSERT INTO worker (name, seen, said) VALUES (:worker, :seen, :said)
ON CONFLICT (name) DO UPDATE SET seen = excluded.seen, said = excluded.said;

-- name: read_workers
SELECT name, seen, said FROM worker ORDER BY seen DESC, name;

-- name: forget_workers
-- Those that have been silent for long.
DELETE FROM worker WHERE seen < :before;

-- name: read_tallies
-- How the attempts of each worker ended: well, or by the fault of what ran; and how many run.
SELECT a.worker, count(*) FILTER (WHERE a.outcome = 'succeeded'),
       count(*) FILTER (WHERE a.outcome IN ('failed', 'timed out', 'out of memory')),
       count(*) FILTER (WHERE a.ended IS NULL)
FROM attempt a JOIN trial t ON t.id = a.trial WHERE t.experiment = :experiment GROUP BY a.worker;

-- name: has_blob
SELECT 1 FROM blob WHERE name = :name;

-- name: read_blob
SELECT content FROM blob WHERE name = :name;

-- name: keep_blob
INSERT INTO blob (name, content) VALUES (:name, :content) ON CONFLICT DO NOTHING;
