//! Durations as people read them.

/// `30s` below a minute, `12m` below an hour, `2.5h` below a day, `2.5d` above. Nothing is rounded up: 59.9 seconds are `59s`.
///
/// Takes milliseconds; below 0 is 0. Source: spec of traceability, section 14.
pub fn print_duration(ms: i64) -> String {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let tenths = |unit: i64| format!("{}.{}", ms / unit, ms % unit * 10 / unit);
    match ms {
        ..0 => "0s".to_owned(),
        0..MINUTE => format!("{}s", ms / SECOND),
        MINUTE..HOUR => format!("{}m", ms / MINUTE),
        HOUR..DAY => format!("{}h", tenths(HOUR)),
        DAY.. => format!("{}d", tenths(DAY)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_printed_in_the_largest_unit_that_fits() {
        for (ms, text) in [
            (-1, "0s"),
            (999, "0s"),
            (30_000, "30s"),
            (59_999, "59s"),
            (60_000, "1m"),
            (12 * 60_000, "12m"),
            (3_599_999, "59m"),
            (3_600_000, "1.0h"),
            (9_000_000, "2.5h"),
            (86_399_999, "23.9h"),
            (86_400_000, "1.0d"),
            (216_000_000, "2.5d"),
        ] {
            assert_eq!(print_duration(ms), text, "{ms}");
        }
        assert!(print_duration(i64::MAX).ends_with('d'));
    }
}
