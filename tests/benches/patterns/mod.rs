//! The data of the pattern benchmark: clustered vectors, as embeddings of real prompts are, made one by one from their number.

use async_trait::async_trait;
use pml_entity::values::TraceabilityEmbedding;
use pml_service::embedding::{Embedder, EmbedderError, PROMPT_DIMENSIONS};
use sqlx::PgConnection;

const CENTRES: usize = 200;
const LATENT: usize = 48;
const CHUNK: usize = 500;

/// Vectors around 200 centres in a space of 48 dimensions, projected to 1,536, with a little noise. The same numbers at each run.
#[derive(Debug)]
pub struct Prompts {
    projection: Vec<f32>,
    centres: Vec<Vec<f32>>,
}

impl Prompts {
    pub fn new() -> Self {
        let mut random = Random(0x5eed);
        Self {
            projection: (0..LATENT * PROMPT_DIMENSIONS)
                .map(|_| random.gaussian())
                .collect(),
            centres: (0..CENTRES)
                .map(|_| (0..LATENT).map(|_| random.gaussian()).collect())
                .collect(),
        }
    }

    /// The vector with this number.
    pub fn vector(&self, number: usize) -> TraceabilityEmbedding {
        let mut random = Random((number as u64).wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0xabcd);
        let centre = &self.centres[usize::try_from(random.next() % CENTRES as u64).unwrap()];
        let mut components = vec![0.0_f32; PROMPT_DIMENSIONS];
        for (row, value) in centre.iter().enumerate() {
            let value = value + 0.4 * random.gaussian();
            for (component, factor) in components
                .iter_mut()
                .zip(&self.projection[row * PROMPT_DIMENSIONS..])
            {
                *component += value * factor;
            }
        }
        for component in &mut components {
            *component += 0.2 * random.gaussian();
        }
        TraceabilityEmbedding::new(components).unwrap().normalized()
    }
}

#[async_trait]
impl Embedder<PROMPT_DIMENSIONS> for Prompts {
    fn model_id(&self) -> &'static str {
        "clusters"
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<TraceabilityEmbedding>, EmbedderError> {
        Ok(texts
            .iter()
            .map(|text| self.vector(usize::MAX / 2 + text.len()))
            .collect())
    }
}

/// Loads patterns, some hundred at a time.
pub async fn load(connection: &mut PgConnection, prompts: &Prompts, count: usize) {
    for start in (0..count).step_by(CHUNK) {
        let numbers: Vec<usize> = (start..count.min(start + CHUNK)).collect();
        let texts: Vec<String> = numbers
            .iter()
            .map(|number| format!("fix the login timeout number {number}"))
            .collect();
        let vectors: Vec<pgvector::Vector> = numbers
            .iter()
            .map(|number| pgvector::Vector::from(prompts.vector(*number).into_vec()))
            .collect();
        sqlx::query(
            "INSERT INTO success_patterns (pattern_hash, source_correlation_id, prompt_text, prompt_embedding, intent_classification, keywords, agent_sequence, \
                 hook_sequence, endpoint_pattern, avg_duration_ms, min_duration_ms, max_duration_ms, success_score) \
             SELECT md5(text), gen_random_uuid(), text, embedding, 'debugging', '{fix,login,timeout}', '{agent-a}', \
                 '[{\"hook_type\": \"PreToolUse\", \"tool_name\": \"Write\", \"quality_gates\": [\"SV-001\"], \"duration_ms\": 10}]', \
                 '[{\"service\": \"archon-mcp\", \"endpoint\": \"/api/rag/query\", \"method\": \"POST\"}]', 900, 800, 1000, 0.95 \
             FROM unnest($1::text[], $2::vector[]) AS new (text, embedding)",
        )
        .bind(&texts)
        .bind(&vectors)
        .execute(&mut *connection)
        .await
        .unwrap();
    }
}

/// The `SplitMix64` generator, and the normal distribution by Box and Muller.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    #[allow(clippy::cast_precision_loss)]
    fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    #[allow(clippy::cast_possible_truncation)]
    fn gaussian(&mut self) -> f32 {
        ((-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos())
            as f32
    }
}
