//! Embedding vectors that are fit for cosine distance.

use sea_orm::prelude::PgVector;
use sea_orm::sea_query::{ArrayType, ColumnType, Nullable, ValueType, ValueTypeErr};
use sea_orm::{
    ActiveValue, ColIdx, DbErr, IntoActiveValue, QueryResult, TryGetError, TryGetable, Value,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Dimension of every embedding of the PML tables (the BGE-M3 family).
pub const DIMENSIONS: usize = 1024;

/// The embedding of a tool, an intent or a capability: 1024 dimensions.
pub type Embedding = EmbeddingOf<DIMENSIONS>;

/// The 1536-dimension embedding of the traceability tables.
pub type TraceabilityEmbedding = EmbeddingOf<1536>;

/// Why a list of numbers is no embedding.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidEmbedding {
    /// The list is too short or too long.
    #[error("embedding has {actual} dimensions instead of {expected}")]
    WrongLength {
        /// Dimensions of the column.
        expected: usize,
        /// Length of the list.
        actual: usize,
    },
    /// A component is NaN or infinite (also: a number that 32 bits cannot hold).
    #[error("component {index} of the embedding is not a finite number")]
    NotFinite {
        /// Position of the first such component.
        index: usize,
    },
    /// Every component is zero, so the vector has no direction and no cosine.
    #[error("embedding is the zero vector, which has no direction")]
    Zero,
}

/// An embedding of `N` finite components, not all of them zero.
///
/// pgvector checks the length only at the column and accepts the zero vector, whose cosine distance to anything is NaN and
/// which no cosine index contains: a row with it would exist and never be found. Hence the check here. A zero vector that
/// an older system stored can be read; its similarity to everything is 0.
#[derive(Clone, PartialEq)]
pub struct EmbeddingOf<const N: usize>(Vec<f32>);

impl<const N: usize> EmbeddingOf<N> {
    /// Number of components.
    pub const DIMENSIONS: usize = N;

    /// Checks a list of components.
    ///
    /// # Errors
    /// [`InvalidEmbedding`] for a wrong length, a NaN or infinite component, or the zero vector.
    pub fn new(components: Vec<f32>) -> Result<Self, InvalidEmbedding> {
        if components.len() != N {
            return Err(InvalidEmbedding::WrongLength {
                expected: N,
                actual: components.len(),
            });
        }
        if let Some(index) = components.iter().position(|c| !c.is_finite()) {
            return Err(InvalidEmbedding::NotFinite { index });
        }
        // Subnormal components vanish when the norm is taken in 32 bits, as pgvector's normalisation does.
        if components.iter().all(|c| c.abs() < f32::MIN_POSITIVE) {
            return Err(InvalidEmbedding::Zero);
        }
        Ok(Self(components))
    }

    /// The components.
    pub fn as_slice(&self) -> &[f32] {
        &self.0
    }

    /// The components, owned.
    pub fn into_vec(self) -> Vec<f32> {
        self.0
    }

    /// Euclidean length, computed in 64 bits.
    pub fn norm(&self) -> f64 {
        self.0
            .iter()
            .map(|c| f64::from(*c).powi(2))
            .sum::<f64>()
            .sqrt()
    }

    /// The vector of length 1 in the same direction. A stored zero vector stays as it is.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "components of a unit vector fit 32 bits"
    )]
    pub fn normalized(&self) -> Self {
        let norm = self.norm();
        if norm == 0.0 {
            return self.clone();
        }
        Self(
            self.0
                .iter()
                .map(|c| (f64::from(*c) / norm) as f32)
                .collect(),
        )
    }

    /// Cosine of the angle between the two, in −1..=1, computed in 64 bits. 1 minus this is pgvector's `<=>`.
    pub fn cosine_similarity(&self, other: &Self) -> f64 {
        let norms = self.norm() * other.norm();
        if norms == 0.0 {
            return 0.0;
        }
        let dot: f64 = self
            .0
            .iter()
            .zip(&other.0)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum();
        (dot / norms).clamp(-1.0, 1.0)
    }

    /// Takes a vector that the database returned: only its length is checked.
    fn from_stored(stored: PgVector) -> Result<Self, InvalidEmbedding> {
        let components = Vec::from(stored);
        if components.len() == N {
            Ok(Self(components))
        } else {
            Err(InvalidEmbedding::WrongLength {
                expected: N,
                actual: components.len(),
            })
        }
    }
}

/// Shows the dimension and the first components: a thousand numbers help nobody.
impl<const N: usize> std::fmt::Debug for EmbeddingOf<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Embedding<{N}>{:?}…", &self.0[..self.0.len().min(3)])
    }
}

impl<const N: usize> TryFrom<Vec<f32>> for EmbeddingOf<N> {
    type Error = InvalidEmbedding;

    fn try_from(components: Vec<f32>) -> Result<Self, Self::Error> {
        Self::new(components)
    }
}

impl<const N: usize> TryFrom<PgVector> for EmbeddingOf<N> {
    type Error = InvalidEmbedding;

    fn try_from(vector: PgVector) -> Result<Self, Self::Error> {
        Self::new(vector.into())
    }
}

impl<const N: usize> From<EmbeddingOf<N>> for Vec<f32> {
    fn from(embedding: EmbeddingOf<N>) -> Self {
        embedding.0
    }
}

impl<const N: usize> From<EmbeddingOf<N>> for PgVector {
    fn from(embedding: EmbeddingOf<N>) -> Self {
        Self::from(embedding.0)
    }
}

impl<const N: usize> AsRef<[f32]> for EmbeddingOf<N> {
    fn as_ref(&self) -> &[f32] {
        &self.0
    }
}

impl<const N: usize> Serialize for EmbeddingOf<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for EmbeddingOf<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl<const N: usize> From<EmbeddingOf<N>> for Value {
    fn from(embedding: EmbeddingOf<N>) -> Self {
        Self::Vector(Some(embedding.into()))
    }
}

impl<const N: usize> TryGetable for EmbeddingOf<N> {
    fn try_get_by<I: ColIdx>(row: &QueryResult, index: I) -> Result<Self, TryGetError> {
        let stored = PgVector::try_get_by(row, index)?;
        Self::from_stored(stored)
            .map_err(|error| TryGetError::DbErr(DbErr::Type(error.to_string())))
    }
}

impl<const N: usize> ValueType for EmbeddingOf<N> {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        let stored = <PgVector as ValueType>::try_from(value)?;
        Self::from_stored(stored).map_err(|_| ValueTypeErr)
    }

    fn type_name() -> String {
        format!("EmbeddingOf<{N}>")
    }

    /// Unreachable: a list of embeddings is no database value, since the type is no array element (`NotU8` is missing).
    fn array_type() -> ArrayType {
        PgVector::array_type()
    }

    fn column_type() -> ColumnType {
        ColumnType::Vector(<u32 as TryFrom<usize>>::try_from(N).ok())
    }
}

impl<const N: usize> Nullable for EmbeddingOf<N> {
    fn null() -> Value {
        Value::Vector(None)
    }
}

impl<const N: usize> IntoActiveValue<Self> for EmbeddingOf<N> {
    fn into_active_value(self) -> ActiveValue<Self> {
        ActiveValue::Set(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Small = EmbeddingOf<3>;

    #[test]
    fn wrong_length_nan_infinity_and_zero_are_told_apart() {
        assert_eq!(
            Embedding::new(vec![1.0; 1023]),
            Err(InvalidEmbedding::WrongLength {
                expected: 1024,
                actual: 1023
            })
        );
        assert_eq!(
            Small::new(vec![1.0, f32::NAN, 0.0]),
            Err(InvalidEmbedding::NotFinite { index: 1 })
        );
        assert_eq!(
            Small::new(vec![1.0, 0.0, f32::NEG_INFINITY]),
            Err(InvalidEmbedding::NotFinite { index: 2 })
        );
        assert_eq!(
            Small::new(vec![0.0, -0.0, 0.0]),
            Err(InvalidEmbedding::Zero)
        );
        assert_eq!(
            Small::new(vec![1e-42, 0.0, 0.0]),
            Err(InvalidEmbedding::Zero)
        );
        assert_eq!(
            Small::new(Vec::new()),
            Err(InvalidEmbedding::WrongLength {
                expected: 3,
                actual: 0
            })
        );
    }

    #[test]
    fn json_is_checked_like_any_other_input() {
        assert!(serde_json::from_str::<Small>("[1, 2, 3]").is_ok());
        assert!(serde_json::from_str::<Small>("[1, 2]").is_err());
        assert!(serde_json::from_str::<Small>("[0, 0, 0]").is_err());
        // Does not fit 32 bits, so it becomes infinite.
        assert!(serde_json::from_str::<Small>("[1e300, 0, 0]").is_err());
    }

    #[test]
    fn the_column_carries_the_dimension() {
        assert_eq!(
            <Embedding as ValueType>::column_type(),
            ColumnType::Vector(Some(1024))
        );
        assert_eq!(
            <TraceabilityEmbedding as ValueType>::column_type(),
            ColumnType::Vector(Some(1536))
        );
    }

    #[test]
    fn a_stored_zero_vector_is_readable_and_similar_to_nothing() {
        let zero =
            <Small as ValueType>::try_from(Value::Vector(Some(PgVector::from(vec![0.0; 3]))))
                .unwrap();
        let one = Small::new(vec![1.0, 0.0, 0.0]).unwrap();
        assert_eq!(zero.cosine_similarity(&one).to_bits(), 0.0_f64.to_bits());
        assert_eq!(zero.normalized(), zero);
        assert!(
            <Small as ValueType>::try_from(Value::Vector(Some(PgVector::from(vec![1.0; 2]))))
                .is_err()
        );
    }

    #[test]
    fn debug_stays_short() {
        let text = format!("{:?}", Embedding::new(vec![0.5; 1024]).unwrap());
        assert!(text.len() < 60, "{text}");
    }

    #[test]
    fn opposite_and_orthogonal_vectors_have_the_expected_cosine() {
        let x = Small::new(vec![2.0, 0.0, 0.0]).unwrap();
        let y = Small::new(vec![0.0, 5.0, 0.0]).unwrap();
        let minus_x = Small::new(vec![-1.0, 0.0, 0.0]).unwrap();
        assert!(x.cosine_similarity(&y).abs() < 1e-12);
        assert!((x.cosine_similarity(&minus_x) + 1.0).abs() < 1e-12);
        // Squares of these overflow 32 bits.
        let huge = Small::new(vec![3e38, 3e38, 0.0]).unwrap();
        assert!((huge.cosine_similarity(&huge) - 1.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn a_normalised_vector_has_length_one_and_the_same_direction(
            components in prop::collection::vec(-1e6_f32..1e6_f32, 3)
        ) {
            prop_assume!(components.iter().any(|c| c.abs() > 1e-3));
            let embedding = Small::new(components).unwrap();
            let unit = embedding.normalized();
            prop_assert!((unit.norm() - 1.0).abs() < 1e-5);
            prop_assert!((unit.cosine_similarity(&embedding) - 1.0).abs() < 1e-5);
        }

        #[test]
        fn json_and_database_values_round_trip(components in prop::collection::vec(-1e6_f32..1e6_f32, 3)) {
            prop_assume!(components.iter().any(|c| c.abs() > 1e-3));
            let embedding = Small::new(components).unwrap();
            let json = serde_json::to_string(&embedding).unwrap();
            prop_assert_eq!(&serde_json::from_str::<Small>(&json).unwrap(), &embedding);
            let value = Value::from(embedding.clone());
            prop_assert_eq!(<Small as ValueType>::try_from(value).unwrap(), embedding);
        }
    }
}
