UPDATE tool_dependency SET edge_type = 'sequence'
WHERE edge_type NOT IN ('contains', 'sequence', 'dependency', 'alternative', 'provides');
UPDATE tool_dependency SET edge_source = CASE edge_source WHEN 'user' THEN 'template' ELSE 'inferred' END
WHERE edge_source NOT IN ('inferred', 'observed', 'template');

UPDATE capability_dependency SET edge_type = 'sequence'
WHERE edge_type NOT IN ('contains', 'sequence', 'dependency', 'alternative', 'provides');
UPDATE capability_dependency SET edge_source = CASE edge_source WHEN 'user' THEN 'template' ELSE 'inferred' END
WHERE edge_source NOT IN ('inferred', 'observed', 'template');

UPDATE algorithm_traces SET decision = 'rejected_by_threshold'
WHERE decision LIKE 'rejected%' AND decision <> 'rejected_by_threshold';
UPDATE algorithm_traces SET decision = 'filtered_by_reliability' WHERE decision = 'filtered';
UPDATE algorithm_traces SET algorithm_name = 'Other'
WHERE algorithm_name NOT IN ('CapabilityMatcher', 'DAGSuggester', 'HybridSearch', 'SHGAT', 'DRDSP',
    'AlternativesPrediction', 'CapabilitiesPrediction', 'Thompson', 'Other');

UPDATE execution_trace SET error_type = CASE
    WHEN upper(error_type) IN ('TIMEOUT', 'PERMISSION', 'NOT_FOUND', 'VALIDATION', 'NETWORK') THEN upper(error_type)
    ELSE 'UNKNOWN'
END
WHERE error_type NOT IN ('TIMEOUT', 'PERMISSION', 'NOT_FOUND', 'VALIDATION', 'NETWORK', 'UNKNOWN');

DO $check$
DECLARE
    words text;
BEGIN
    SELECT string_agg(DISTINCT format('%s %L', column_name, word), ', ') INTO words
    FROM algorithm_traces,
        LATERAL (VALUES
            ('algorithm_mode', algorithm_mode, ARRAY['active_search', 'passive_suggestion']),
            ('target_type', target_type, ARRAY['tool', 'capability']),
            ('decision', decision, ARRAY['accepted', 'filtered_by_reliability', 'rejected_by_threshold'])
        ) AS value_set (column_name, word, known)
    WHERE word <> ALL (known);
    IF words IS NOT NULL THEN
        RAISE EXCEPTION 'algorithm_traces holds words that cannot be mapped: %', words
            USING ERRCODE = 'check_violation', HINT = 'correct these rows, then migrate again';
    END IF;
END
$check$;
