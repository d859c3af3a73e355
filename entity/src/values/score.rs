//! Shares of one, stored exactly to four places.

use sea_orm::DeriveValueType;
use sea_orm::prelude::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number that is no share of one.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a number from 0 to 1")]
pub struct InvalidScore(pub f64);

/// A confidence, rate or score from 0 to 1, rounded to four places: what a column of type `numeric(5,4)` holds.
///
/// In JSON a number. Exact, unlike a float: what is written is what is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, DeriveValueType)]
#[sea_orm(column_type = "Decimal(Some((5, 4)))")]
pub struct Score(Decimal);

impl Score {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// All of it.
    pub const ONE: Self = Self(Decimal::ONE);
    /// Digits after the point.
    const PLACES: u32 = 4;

    /// Rounds to four places, half away from zero as PostgreSQL does.
    ///
    /// # Errors
    /// [`InvalidScore`] for a number outside 0..=1, NaN and infinity.
    pub fn new(value: f64) -> Result<Self, InvalidScore> {
        if !(0.0..=1.0).contains(&value) {
            return Err(InvalidScore(value));
        }
        let exact = Decimal::try_from(value).map_err(|_| InvalidScore(value))?;
        Ok(Self(exact.round_dp_with_strategy(
            Self::PLACES,
            rust_decimal::RoundingStrategy::MidpointAwayFromZero,
        )))
    }

    /// The nearest score: below 0 it is 0, above 1 it is 1, NaN is 0.
    pub fn clamped(value: f64) -> Self {
        let inside = if value.is_nan() {
            0.0
        } else {
            value.clamp(0.0, 1.0)
        };
        Self::new(inside).unwrap_or_default()
    }

    /// As a float, for arithmetic.
    pub fn as_f64(self) -> f64 {
        f64::try_from(self.0).unwrap_or_default()
    }
}

impl TryFrom<f64> for Score {
    type Error = InvalidScore;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> Self {
        score.as_f64()
    }
}

impl std::fmt::Display for Score {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Score {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::sea_query::{ColumnType, ValueType};

    use super::*;

    #[test]
    fn a_score_is_a_share_of_one_with_four_places() {
        assert_eq!(Score::new(0.333_333).unwrap().to_string(), "0.3333");
        assert_eq!(Score::new(0.877_95).unwrap(), Score::new(0.878).unwrap());
        for bad in [-0.1, 1.000_1, f64::NAN, f64::INFINITY] {
            assert!(Score::new(bad).is_err(), "{bad}");
        }
        assert_eq!(
            (
                Score::clamped(-3.0),
                Score::clamped(f64::NAN),
                Score::clamped(7.0)
            ),
            (Score::ZERO, Score::ZERO, Score::ONE)
        );
    }

    #[test]
    fn it_is_a_number_in_json_and_numeric_in_the_database() {
        let score: Score = serde_json::from_str("0.75").unwrap();
        assert_eq!(serde_json::to_string(&score).unwrap(), "0.75");
        assert!(serde_json::from_str::<Score>("1.5").is_err());
        assert_eq!(
            <Score as ValueType>::column_type(),
            ColumnType::Decimal(Some((5, 4)))
        );
    }
}
