//! The data of the tool benchmarks: clustered vectors, as embeddings of real texts are, and an embedder that hands them out.

#![allow(dead_code, reason = "each benchmark uses a part")]

use async_trait::async_trait;
use pml_entity::values::{DIMENSIONS, Embedding};
use pml_service::embedding::{Embedder, EmbedderError};
use pml_service::tools::ToolDefinition;
use pml_testkit::TestDatabase;
use serde_json::json;

/// Tools of the benchmarks.
pub const TOOLS: usize = 10_000;
const CENTRES: usize = 200;
const LATENT: usize = 48;

/// Vectors around 200 centres in a space of 48 dimensions, projected to 1,024, with a little noise. The same numbers at each run.
#[derive(Debug)]
pub struct Clusters {
    vectors: Vec<Embedding>,
    queries: Vec<Embedding>,
}

impl Clusters {
    /// `TOOLS` vectors, and queries that are none of them.
    pub fn new(queries: usize) -> Self {
        let mut random = Random(0x5eed);
        let projection: Vec<f64> = (0..LATENT * DIMENSIONS)
            .map(|_| random.gaussian())
            .collect();
        let centres: Vec<Vec<f64>> = (0..CENTRES)
            .map(|_| (0..LATENT).map(|_| random.gaussian()).collect())
            .collect();
        let mut make = |count: usize| -> Vec<Embedding> {
            (0..count)
                .map(|_| {
                    let centre = &centres[usize::try_from(random.next() % CENTRES as u64).unwrap()];
                    let latent: Vec<f64> = centre
                        .iter()
                        .map(|value| value + 0.4 * random.gaussian())
                        .collect();
                    let mut components = vec![0.0_f64; DIMENSIONS];
                    for (row, value) in latent.iter().enumerate() {
                        for (component, factor) in
                            components.iter_mut().zip(&projection[row * DIMENSIONS..])
                        {
                            *component += value * factor;
                        }
                    }
                    #[allow(clippy::cast_possible_truncation)]
                    let components = components
                        .iter()
                        .map(|value| (value + 0.2 * random.gaussian()) as f32)
                        .collect();
                    Embedding::new(components).unwrap().normalized()
                })
                .collect()
        };
        Self {
            vectors: make(TOOLS),
            queries: make(queries),
        }
    }

    /// The queries.
    pub fn queries(&self) -> &[Embedding] {
        &self.queries
    }

    /// The vector of each tool.
    pub fn vectors(&self) -> &[Embedding] {
        &self.vectors
    }
}

/// Hands out the vector whose number stands at the end of the text.
#[async_trait]
impl Embedder for Clusters {
    fn model_id(&self) -> &'static str {
        "clusters"
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        let number = |text: &String| text.rsplit(' ').next().unwrap().parse::<usize>().unwrap();
        Ok(texts
            .iter()
            .map(|text| self.vectors[number(text)].clone())
            .collect())
    }
}

/// The tools that a server offers; `from` and `to` are numbers of vectors.
pub fn definitions(from: usize, to: usize) -> Vec<ToolDefinition> {
    (from..to)
        .map(|number| ToolDefinition {
            name: format!("tool_{number}"),
            description: Some(format!("Does the thing that has number {number}")),
            input_schema: json!({"type": "object", "properties": {"path": {"type": "string"}, "limit": {"type": "integer"}}, "required": ["path"]}),
            output_schema: None,
        })
        .collect()
}

/// A private database on the server of `TEST_DATABASE_URL`; `None` (and a line that says so) without one.
pub fn database(runtime: &tokio::runtime::Runtime) -> Option<TestDatabase> {
    if pml_testkit::real_server().is_none() {
        eprintln!(
            "skipped: set {} to a real PostgreSQL (scripts/postgres start)",
            pml_testkit::REAL_SERVER_ENV
        );
        return None;
    }
    Some(runtime.block_on(TestDatabase::with_pool(4)))
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

    fn gaussian(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
