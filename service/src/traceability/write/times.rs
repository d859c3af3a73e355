//! When something began and ended, where the caller gives only a part of it.

use chrono::{DateTime, Duration, SecondsFormat, Utc};

use super::super::TraceabilityError;
use super::super::rules::{cut_ms, now, whole_ms};
use super::check;

/// What the caller says about a hook or a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Given {
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) completed_at: Option<DateTime<Utc>>,
    pub(super) duration_ms: Option<f64>,
    /// Whether it is over.
    pub(super) ended: bool,
}

/// The same, complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) started_at: DateTime<Utc>,
    pub(super) completed_at: Option<DateTime<Utc>>,
    pub(super) duration_ms: Option<i32>,
    /// By how many milliseconds the end came before the beginning; it was moved there.
    pub(super) skew_ms: Option<i64>,
}

/// What to do about an end before its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skew {
    /// Refuse it.
    Refuse,
    /// Move the end to the beginning.
    Clamp,
}

/// Completes the times of a row: what is over has an end, by the duration or now; a duration is the difference where none is given.
pub(super) fn complete(given: Given, skew: Skew) -> Result<Times, TraceabilityError> {
    let started = check::moment("started_at", given.started_at)?;
    let completed = check::moment("completed_at", given.completed_at)?;
    let duration = given
        .duration_ms
        .map(|duration| cut_ms("duration_ms", duration))
        .transpose()?;
    let length = Duration::milliseconds(duration.unwrap_or_default().into());
    let completed_at = match (started, completed) {
        (_, Some(completed)) => Some(completed),
        (_, None) if !given.ended => None,
        (Some(started), None) if duration.is_some() => Some(started + length),
        (Some(started), None) => Some(now().max(started)),
        (None, None) => Some(now()),
    };
    let started_at = started.unwrap_or_else(|| completed_at.map_or_else(now, |end| end - length));
    let mut times = Times {
        started_at,
        completed_at,
        duration_ms: duration.or_else(|| whole_ms(started_at, completed_at?)),
        skew_ms: None,
    };
    if let Some(end) = completed_at.filter(|end| *end < started_at) {
        if skew == Skew::Refuse {
            return Err(clock_skew(started_at, end));
        }
        times.completed_at = Some(started_at);
        times.duration_ms = duration.or(Some(0));
        times.skew_ms = Some(skew_ms(started_at, end));
    }
    Ok(times)
}

/// By how many whole milliseconds an end comes before its beginning.
pub(crate) fn skew_ms(started_at: DateTime<Utc>, completed_at: DateTime<Utc>) -> i64 {
    started_at
        .signed_duration_since(completed_at)
        .num_milliseconds()
}

/// The refusal of an end before its beginning.
pub(super) fn clock_skew(
    started_at: DateTime<Utc>,
    completed_at: DateTime<Utc>,
) -> TraceabilityError {
    let text = |moment: DateTime<Utc>| moment.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    TraceabilityError::ClockSkew {
        started_at: text(started_at),
        completed_at: text(completed_at),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_760_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn two_of_three_make_the_third() {
        let given = Given {
            started_at: Some(at(0)),
            duration_ms: Some(1_500.9),
            ended: true,
            ..Given::default()
        };
        let times = complete(given, Skew::Refuse).unwrap();
        assert_eq!(
            times.completed_at,
            Some(at(1) + Duration::milliseconds(500))
        );
        let given = Given {
            completed_at: Some(at(5)),
            duration_ms: Some(2_000.0),
            ended: true,
            ..Given::default()
        };
        assert_eq!(complete(given, Skew::Refuse).unwrap().started_at, at(3));
        let given = Given {
            started_at: Some(at(0)),
            completed_at: Some(at(5)),
            ended: true,
            ..Given::default()
        };
        assert_eq!(
            complete(given, Skew::Refuse).unwrap().duration_ms,
            Some(5_000)
        );
    }

    #[test]
    fn what_runs_has_no_end_and_what_is_over_has_one() {
        let running = complete(Given::default(), Skew::Refuse).unwrap();
        assert_eq!((running.completed_at, running.duration_ms), (None, None));
        let over = Given {
            ended: true,
            ..Given::default()
        };
        let over = complete(over, Skew::Refuse).unwrap();
        assert_eq!(
            (over.completed_at, over.duration_ms),
            (Some(over.started_at), Some(0))
        );
    }

    #[test]
    fn an_end_before_its_beginning_is_refused_or_moved() {
        let given = Given {
            started_at: Some(at(10)),
            completed_at: Some(at(7)),
            ended: true,
            ..Given::default()
        };
        assert_eq!(
            complete(given, Skew::Refuse).unwrap_err().code(),
            "clock_skew"
        );
        let moved = complete(given, Skew::Clamp).unwrap();
        assert_eq!(
            (moved.completed_at, moved.duration_ms, moved.skew_ms),
            (Some(at(10)), Some(0), Some(3_000))
        );
    }
}
