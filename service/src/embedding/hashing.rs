//! Embeddings without a model: which letters stand side by side.

use async_trait::async_trait;
use pml_entity::values::{Embedding, EmbeddingOf};
use sha2::{Digest, Sha256};

use super::{Embedder, EmbedderError, PROMPT_DIMENSIONS};

/// The score that unrelated texts do not reach by chance.
const MIN_SCORE: f64 = 0.1;
/// Lengths of the character sequences that are counted.
const NGRAMS: std::ops::RangeInclusive<usize> = 3..=5;
/// Stands before and behind each word, so that a beginning counts as one.
const BOUNDARY: char = '\u{2}';

/// The offline default: hashes the 3- to 5-letter sequences of a text's words into 1,024 signed counts, and scales to length 1.
///
/// **Lexical quality.** Texts are near when they share words or parts of words ("read file" finds "Reads a file"), not when they
/// mean the same ("remove" does not find "delete"). Scores are lower than those of a trained model: a good match has some
/// 0.3 to 0.6, unrelated texts stay below 0.1. Needs no network, costs microseconds, gives the same vector on every machine.
///
/// The method is feature hashing with a sign hash (Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", 2009)
/// over character n-grams with word boundaries; counts enter by their square root, so that a repeated word does not drown the others.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashingEmbedder;

impl HashingEmbedder {
    /// Id stored with the vectors. Changes whenever the vectors would.
    pub const MODEL_ID: &'static str = "pml-hashing-v1";

    /// Embeds one text. A text without a letter or digit gives a fixed vector that is near to nothing else.
    ///
    /// # Errors
    /// [`EmbedderError::Unusable`] if every count cancels out, which takes a text made for it.
    pub fn embed_one(self, text: &str) -> Result<Embedding, EmbedderError> {
        embed_text(text)
    }
}

/// [`HashingEmbedder`] for prompts: the same method with 1,536 counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct HashingPromptEmbedder;

impl HashingPromptEmbedder {
    /// Id stored with the vectors. Changes whenever the vectors would.
    pub const MODEL_ID: &'static str = "pml-hashing-1536-v1";
}

#[async_trait]
impl Embedder<PROMPT_DIMENSIONS> for HashingPromptEmbedder {
    fn model_id(&self) -> &str {
        Self::MODEL_ID
    }

    fn default_min_score(&self) -> f64 {
        MIN_SCORE
    }

    async fn embed(
        &self,
        texts: &[String],
    ) -> Result<Vec<EmbeddingOf<PROMPT_DIMENSIONS>>, EmbedderError> {
        embed_texts(texts).await
    }
}

fn embed_text<const N: usize>(text: &str) -> Result<EmbeddingOf<N>, EmbedderError> {
    let mut grams: std::collections::BTreeMap<u64, u32> = std::collections::BTreeMap::new();
    for word in words(text) {
        for gram in ngrams(&word) {
            *grams.entry(hash(gram)).or_default() += 1;
        }
    }
    if grams.is_empty() {
        grams.insert(hash("\u{0}no words"), 1);
    }
    // Sums in a fixed order and in 64 bits: the same bits on every platform.
    let mut sums = vec![0.0_f64; N];
    for (hash, count) in grams {
        let sign = if hash >> 63 == 0 { 1.0 } else { -1.0 };
        sums[bucket(hash, N)] += sign * f64::from(count).sqrt();
    }
    to_unit(&sums)
}

/// Yields now and then: a thousand texts take a while.
async fn embed_texts<const N: usize>(
    texts: &[String],
) -> Result<Vec<EmbeddingOf<N>>, EmbedderError> {
    let mut embeddings = Vec::with_capacity(texts.len());
    for chunk in texts.chunks(64) {
        for text in chunk {
            embeddings.push(embed_text(text)?);
        }
        tokio::task::yield_now().await;
    }
    Ok(embeddings)
}

#[async_trait]
impl Embedder for HashingEmbedder {
    fn model_id(&self) -> &str {
        Self::MODEL_ID
    }

    /// 0.1: above what unrelated texts share by chance.
    fn default_min_score(&self) -> f64 {
        MIN_SCORE
    }

    async fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, EmbedderError> {
        embed_texts(texts).await
    }
}

/// The words of a text in lower case, without inner boundaries of `snake_case` and `camelCase` names, each between boundary marks.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut after_lowercase = false;
    for character in text.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && after_lowercase) {
            finish(&mut word, &mut words);
        }
        after_lowercase = character.is_lowercase();
        if character.is_alphanumeric() {
            if word.is_empty() {
                word.push(BOUNDARY);
            }
            word.extend(character.to_lowercase());
        }
    }
    finish(&mut word, &mut words);
    words
}

fn finish(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() {
        word.push(BOUNDARY);
        words.push(std::mem::take(word));
    }
}

fn ngrams(word: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> = word
        .char_indices()
        .map(|(index, _)| index)
        .chain([word.len()])
        .collect();
    let mut grams = Vec::new();
    for length in NGRAMS {
        grams.extend(
            starts
                .windows(length + 1)
                .map(|window| (window[0], window[length])),
        );
    }
    grams.into_iter().map(|(from, to)| &word[from..to])
}

fn hash(gram: &str) -> u64 {
    let mut bytes = [0; 8];
    for (target, source) in bytes.iter_mut().zip(Sha256::digest(gram.as_bytes())) {
        *target = source;
    }
    u64::from_le_bytes(bytes)
}

fn bucket(hash: u64, dimensions: usize) -> usize {
    usize::try_from(hash % dimensions as u64).unwrap_or_default()
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "components of a unit vector fit 32 bits"
)]
fn to_unit<const N: usize>(sums: &[f64]) -> Result<EmbeddingOf<N>, EmbedderError> {
    let norm = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    let unit = sums.iter().map(|sum| (sum / norm) as f32).collect();
    EmbeddingOf::new(unit).map_err(|error| EmbedderError::Unusable(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn embed(text: &str) -> Embedding {
        HashingEmbedder.embed_one(text).unwrap()
    }

    fn similarity(a: &str, b: &str) -> f64 {
        embed(a).cosine_similarity(&embed(b))
    }

    #[test]
    fn the_vectors_are_the_same_on_every_machine_and_in_every_release() {
        let embedding = embed("read_file | Reads a file from the disk");
        let mut hash = Sha256::new();
        for component in embedding.as_slice() {
            hash.update(component.to_le_bytes());
        }
        let hash = u64::from_be_bytes(hash.finalize()[..8].try_into().unwrap());
        assert_eq!(
            hash, 0x82d1_1271_a1a1_da55,
            "a change of the vectors needs a new model id"
        );
    }

    #[tokio::test]
    async fn a_prompt_gets_a_vector_of_its_own_length() {
        let texts = ["fix the failing test".to_owned()];
        let prompts = HashingPromptEmbedder.embed(&texts).await.unwrap();
        assert_eq!(prompts[0].as_slice().len(), PROMPT_DIMENSIONS);
        assert!((prompts[0].norm() - 1.0).abs() < 1e-6);
        assert_ne!(HashingPromptEmbedder::MODEL_ID, HashingEmbedder::MODEL_ID);
    }

    #[test]
    fn vectors_have_length_one() {
        for text in [
            "a",
            "read file",
            "äöü ß 漢字",
            "",
            "!!!",
            &"long ".repeat(10_000),
        ] {
            assert!((embed(text).norm() - 1.0).abs() < 1e-6, "{text:.20}");
        }
    }

    #[test]
    fn shared_words_make_texts_similar_whatever_their_case_and_punctuation() {
        assert!((similarity("Read File", "read_file") - 1.0).abs() < 1e-6);
        assert!((similarity("readFile", "read-file") - 1.0).abs() < 1e-6);
        assert!(similarity("read a file", "read_file | Reads a file from the disk") > 0.3);
        assert!(similarity("send email", "read_file | Reads a file from the disk") < 0.1);
        assert!(
            similarity("reading files", "read file") > similarity("reading files", "send email")
        );
    }

    #[test]
    fn a_text_without_words_is_near_to_nothing() {
        assert!(similarity("???", "read file").abs() < 0.1);
    }

    #[tokio::test]
    async fn one_vector_per_text_in_order() {
        let texts: Vec<String> = (0..200)
            .map(|number| format!("tool number {number}"))
            .collect();
        let embeddings = HashingEmbedder.embed(&texts).await.unwrap();
        assert_eq!(embeddings.len(), 200);
        assert_eq!(embeddings[150], embed("tool number 150"));
    }
}
