//! The small rules of the area that several parts share.

use chrono::{DateTime, Duration, SubsecRound, Utc};
use pml_entity::values::{HookStatus, TraceStatus};

use super::TraceabilityError;

/// Whether an execution succeeded: as it says, or by its status when that is final and it does not say. Source: section 2.1.
pub fn trace_success(status: TraceStatus, success: Option<bool>) -> Option<bool> {
    success.or(match status {
        TraceStatus::Completed => Some(true),
        TraceStatus::Failed => Some(false),
        TraceStatus::InProgress | TraceStatus::Cancelled => None,
    })
}

/// Whether a hook succeeded: it is completed and has no error message. Source: section 2.3.
pub fn hook_success(status: HookStatus, error_message: Option<&str>) -> bool {
    status == HookStatus::Completed && error_message.is_none()
}

/// Whether a call succeeded: an answer came back, and its status is below 400. Source: section 2.4.
pub fn call_success(response_status: Option<i32>, transport_failed: bool) -> bool {
    !transport_failed && response_status.is_some_and(|status| status < 400)
}

/// The time between two moments in whole milliseconds, cut; `None` if the second comes first. Stops at the largest `integer`, 24 days.
pub fn whole_ms(started_at: DateTime<Utc>, completed_at: DateTime<Utc>) -> Option<i32> {
    let elapsed = completed_at.signed_duration_since(started_at);
    (elapsed >= Duration::zero())
        .then(|| i32::try_from(elapsed.num_milliseconds()).unwrap_or(i32::MAX))
}

/// A duration in milliseconds without its fraction. Stops at the largest `integer`.
///
/// # Errors
/// [`TraceabilityError::InvalidField`] for a negative one, NaN and infinity.
#[allow(
    clippy::cast_possible_truncation,
    reason = "in range and cut on purpose"
)]
pub fn cut_ms(field: &'static str, duration_ms: f64) -> Result<i32, TraceabilityError> {
    if !duration_ms.is_finite() || duration_ms < 0.0 {
        return Err(TraceabilityError::InvalidField {
            field,
            problem: "must be a number of milliseconds, 0 or more".to_owned(),
        });
    }
    Ok(duration_ms.min(f64::from(i32::MAX)).trunc() as i32)
}

/// The type of a hook by its name, the first that fits; `Unknown` without one. Source: section 2.3.
pub fn hook_type_of(name: &str) -> &'static str {
    const TYPES: [(&str, &str); 6] = [
        ("pre-tool-use", "PreToolUse"),
        ("post-tool-use", "PostToolUse"),
        ("user-prompt", "UserPromptSubmit"),
        ("session-start", "SessionStart"),
        ("session-end", "SessionEnd"),
        ("stop", "Stop"),
    ];
    let name = name.to_lowercase().replace('_', "-");
    TYPES
        .iter()
        .find(|(part, _)| name.contains(part))
        .map_or("Unknown", |(_, hook_type)| hook_type)
}

/// Now, to the microsecond: what the database keeps of it.
pub(crate) fn now() -> DateTime<Utc> {
    to_micros(Utc::now())
}

/// A moment as the database keeps it.
pub(crate) fn to_micros(moment: DateTime<Utc>) -> DateTime<Utc> {
    moment.trunc_subsecs(6)
}

/// The longest beginning of a text that has at most so many bytes.
pub(crate) fn cut_text(text: &str, max_bytes: usize) -> &str {
    if text.len() <= max_bytes {
        return text;
    }
    let mut end = max_bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Example 3, the duration.
    #[test]
    fn a_duration_is_whole_milliseconds() {
        let start = at("2025-10-01T10:00:00Z");
        assert_eq!(whole_ms(start, at("2025-10-01T10:00:01.250Z")), Some(1250));
        assert_eq!(
            whole_ms(start, at("2025-10-01T10:00:01.250999Z")),
            Some(1250)
        );
        assert_eq!(whole_ms(start, start), Some(0));
        assert_eq!(whole_ms(start, at("2025-10-01T09:59:59.999999Z")), None);
        assert_eq!(whole_ms(start, at("2035-10-01T10:00:00Z")), Some(i32::MAX));
        assert_eq!(cut_ms("duration_ms", 12.99).unwrap(), 12);
        for bad in [-0.1, f64::NAN, f64::INFINITY] {
            assert!(cut_ms("duration_ms", bad).is_err());
        }
    }

    #[test]
    fn success_follows_where_nobody_says() {
        assert_eq!(trace_success(TraceStatus::Completed, None), Some(true));
        assert_eq!(trace_success(TraceStatus::Failed, None), Some(false));
        assert_eq!(trace_success(TraceStatus::InProgress, None), None);
        assert_eq!(
            trace_success(TraceStatus::Completed, Some(false)),
            Some(false)
        );
        assert!(hook_success(HookStatus::Completed, None));
        assert!(!hook_success(HookStatus::Completed, Some("x")));
        assert!(!hook_success(HookStatus::InProgress, None));
        assert!(call_success(Some(399), false));
        assert!(!call_success(Some(400), false));
        assert!(!call_success(Some(200), true));
        assert!(!call_success(None, false));
    }

    #[test]
    fn the_type_of_a_hook_is_in_its_name() {
        assert_eq!(hook_type_of("pre-tool-use-quality"), "PreToolUse");
        assert_eq!(hook_type_of("my_session_end"), "SessionEnd");
        assert_eq!(hook_type_of("quality-enforcer"), "Unknown");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut_text("aäb", 2), "a");
        assert_eq!(cut_text("ab", 2), "ab");
    }
}
