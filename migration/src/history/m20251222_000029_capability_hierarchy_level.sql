-- Edges whose two ends reach each other lie on a cycle and do not count; what is left has no cycle, so the climb ends.
-- UNION (not UNION ALL) in both recursions: a pair found twice is followed once.
WITH RECURSIVE
contains AS (
    SELECT from_capability_id AS parent, to_capability_id AS child
    FROM capability_dependency
    WHERE edge_type = 'contains'
),
reaches (parent, child) AS (
    SELECT parent, child FROM contains
    UNION
    SELECT r.parent, c.child FROM reaches r JOIN contains c ON c.parent = r.child
),
acyclic AS (
    SELECT c.parent, c.child
    FROM contains c
    WHERE NOT EXISTS (SELECT FROM reaches r WHERE r.parent = c.child AND r.child = c.parent)
),
climb (pattern_id, depth) AS (
    SELECT p.pattern_id, 0
    FROM workflow_pattern p
    WHERE p.code_hash IS NOT NULL AND NOT EXISTS (SELECT FROM acyclic a WHERE a.parent = p.pattern_id)
    UNION
    SELECT a.parent, c.depth + 1 FROM climb c JOIN acyclic a ON a.child = c.pattern_id
),
deepest AS (
    SELECT pattern_id, max(depth) AS depth FROM climb GROUP BY pattern_id
)
UPDATE workflow_pattern p
SET hierarchy_level = d.depth
FROM deepest d
WHERE d.pattern_id = p.pattern_id AND d.depth > 0;
