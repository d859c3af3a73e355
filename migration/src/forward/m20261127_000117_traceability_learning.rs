//! 117: what learning from executions keeps for itself: which executions were looked at, of which model the vectors of a column are, and
//! an index that finds the nearest prompts. Data: none. Down: drops all of it; what was learned stays.
//!
//! `trace_extractions` stands beside `execution_traces` instead of a mark in it, whose columns are documented and copied by the archive. Its
//! row goes with the execution.
//!
//! `embedding_models` has a row for a column whose vectors are all of one model. A column beside each vector would be the other way, but the
//! columns of the pattern table are documented, and one row is what a search can check within its own statement.
//!
//! The index is over the normalised vector and the inner product, which orders like the cosine. The documented `idx_pattern_embedding` covers the
//! bare column: were this one over the same expression, the planner could answer from either, and that one has its lists from an empty table.

use crate::step::Step;

/// The step.
pub struct Migration;

impl Step for Migration {
    step!();

    fn up(&self) -> Vec<String> {
        statements![
            "CREATE TABLE trace_extractions (
                trace_id uuid NOT NULL,
                claim_id uuid NOT NULL,
                claimed_at timestamptz NOT NULL DEFAULT now(),
                extracted_at timestamptz,
                result text,
                pattern_id uuid,
                CONSTRAINT trace_extractions_pkey PRIMARY KEY (trace_id),
                CONSTRAINT trace_extractions_trace_id_fkey FOREIGN KEY (trace_id) REFERENCES execution_traces (id) ON DELETE CASCADE,
                CONSTRAINT trace_extractions_result_check CHECK (result IN ('pattern', 'repeat', 'error', 'nothing')),
                CONSTRAINT trace_extractions_extracted_check CHECK ((extracted_at IS NULL) = (result IS NULL))
            )",
            "CREATE INDEX trace_extractions_open_idx ON trace_extractions (claimed_at) WHERE extracted_at IS NULL",
            "CREATE INDEX execution_traces_ended_idx ON execution_traces (updated_at, id) WHERE completed_at IS NOT NULL",
            "CREATE TABLE embedding_models (
                vectors text NOT NULL,
                model text NOT NULL,
                created_at timestamptz NOT NULL DEFAULT now(),
                CONSTRAINT embedding_models_pkey PRIMARY KEY (vectors)
            )",
            "REVOKE ALL ON trace_extractions, embedding_models FROM PUBLIC, anon, authenticated",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON trace_extractions, embedding_models TO service_role",
            "GRANT SELECT ON embedding_models TO authenticated",
            "CREATE INDEX success_patterns_prompt_hnsw_idx ON success_patterns
                USING hnsw ((l2_normalize(prompt_embedding)::vector(1536)) vector_ip_ops) WITH (m = 16, ef_construction = 64)",
        ]
    }

    fn down(&self) -> Vec<String> {
        statements![
            "DROP INDEX success_patterns_prompt_hnsw_idx",
            "DROP TABLE embedding_models",
            "DROP INDEX execution_traces_ended_idx",
            "DROP TABLE trace_extractions",
        ]
    }
}
