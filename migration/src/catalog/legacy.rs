//! Verifying a database the older system made.

use super::{Catalog, differences, recorded_variants};

/// How a database that claims a recorded version differs from it, by the form of `users` that fits better (see
/// [`recorded_variants`]). Empty: it is that version. `None`: no such version is recorded.
pub fn legacy_differences(version: u16, actual: &Catalog) -> Option<Vec<String>> {
    recorded_variants(version)
        .iter()
        .map(|expected| differences(expected, actual))
        .min_by_key(Vec::len)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::catalog::recorded;

    #[test]
    fn both_forms_of_users_are_a_recorded_version_and_a_third_is_not() {
        for version in [4, 5, 34] {
            for variant in recorded_variants(version) {
                assert_eq!(legacy_differences(version, &variant), Some(Vec::new()));
            }
        }
        let mut third = recorded(34).unwrap();
        third.tables.get_mut("users").unwrap().columns.pop();
        assert_eq!(
            legacy_differences(34, &third).unwrap(),
            [
                "table users: column api_key_created_at: missing, expected timestamp with time zone NULL"
            ]
        );
        assert_eq!(legacy_differences(31, &third), None);
    }
}
