//! The permission sets: what each allows, and how they compare.
//!
//! They are a partial order. `filesystem` and `network-api` stand beside each other, and `trusted` is above everything but given by
//! hand only: nothing infers it, and no escalation leads to it.

use std::fmt;

use pml_entity::values::{DetectedOperation, PatternSource, PermissionSet};
use serde::{Deserialize, Serialize};

use PermissionSet::{Filesystem, McpStandard, Minimal, NetworkApi, Readonly, Trusted};

/// From here on an inferred set is believed (spec of capabilities, PERM-3).
const BELIEVED_FROM: f64 = 0.7;
/// How far a confidence that was stored as `real` may be off.
const REAL_ERROR: f64 = 1e-6;

/// How far an allowance reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Not at all.
    Nothing,
    /// To these paths, hosts or variables.
    Only(&'static [&'static str]),
    /// Everywhere.
    Everything,
}

/// What a set allows. Processes and foreign code are never allowed, and nothing ever prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// Files it may read.
    pub read: Reach,
    /// Files it may write.
    pub write: Reach,
    /// Hosts it may reach.
    pub net: Reach,
    /// Environment variables it may read.
    pub env: Reach,
}

/// How much harm code with a set can do (spec of capabilities, PERM-5).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// None to speak of: nothing, or reading two folders.
    #[default]
    Safe,
    /// Files, or the network.
    Moderate,
    /// Files and the network together, or everything.
    Dangerous,
}

impl Risk {
    /// The word for it, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Moderate => "moderate",
            Self::Dangerous => "dangerous",
        }
    }
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a set allows (spec of capabilities, table of PERM-1).
pub const fn grants(set: PermissionSet) -> Grants {
    use Reach::{Everything, Nothing, Only};
    let (read, write, net, env) = match set {
        Minimal => (Nothing, Nothing, Nothing, Nothing),
        Readonly => (Only(&["./data", "/tmp"]), Nothing, Nothing, Nothing),
        Filesystem => (Everything, Only(&["/tmp"]), Nothing, Nothing),
        NetworkApi => (Nothing, Nothing, Everything, Nothing),
        McpStandard => (
            Everything,
            Only(&["/tmp", "./output"]),
            Everything,
            Only(&["HOME", "PATH"]),
        ),
        Trusted => (Everything, Everything, Everything, Everything),
    };
    Grants {
        read,
        write,
        net,
        env,
    }
}

/// Whether the set allows the operation at least somewhere. Starting a process and calling foreign code: never.
pub fn provides(set: PermissionSet, operation: DetectedOperation) -> bool {
    let grants = grants(set);
    let reach = match operation {
        DetectedOperation::Read => grants.read,
        DetectedOperation::Write => grants.write,
        DetectedOperation::Net => grants.net,
        DetectedOperation::Env => grants.env,
        DetectedOperation::Run | DetectedOperation::Ffi => Reach::Nothing,
    };
    reach != Reach::Nothing
}

/// Whether `outer` allows all that `inner` allows. Every set includes itself.
pub fn includes(outer: PermissionSet, inner: PermissionSet) -> bool {
    outer == inner || outer == Trusted || allowed_moves(inner).contains(&outer)
}

/// The sets an escalation may lead to, least first (spec of capabilities, PERM-7): those that include this one, but for `trusted`.
pub const fn allowed_moves(from: PermissionSet) -> &'static [PermissionSet] {
    match from {
        Minimal => &[Readonly, Filesystem, NetworkApi, McpStandard],
        Readonly => &[Filesystem, McpStandard],
        Filesystem | NetworkApi => &[McpStandard],
        McpStandard | Trusted => &[],
    }
}

/// Whether an escalation may lead from one set to the other. Never to the same set, never to `trusted`.
pub fn may_move(from: PermissionSet, to: PermissionSet) -> bool {
    allowed_moves(from).contains(&to)
}

/// How much harm code with this set can do. The risk of several is the greatest of theirs, of none it is safe: see [`Risk`]'s order.
pub const fn risk(set: PermissionSet) -> Risk {
    match set {
        Minimal | Readonly => Risk::Safe,
        Filesystem | NetworkApi => Risk::Moderate,
        McpStandard | Trusted => Risk::Dangerous,
    }
}

/// The set a run really gets (spec of capabilities, PERM-3).
///
/// What a person wrote gets the stored set, or `mcp-standard` without one. What was learned gets the stored set only at a confidence
/// of 0.7 or more; a missing confidence is 0.
pub fn effective(
    source: PatternSource,
    stored: Option<PermissionSet>,
    confidence: Option<f64>,
) -> PermissionSet {
    match source {
        PatternSource::Manual => stored.unwrap_or(McpStandard),
        PatternSource::Emergent if confidence.unwrap_or(0.0) >= BELIEVED_FROM - REAL_ERROR => {
            stored.unwrap_or(Minimal)
        }
        PatternSource::Emergent => Minimal,
    }
}

/// The set of that name; an unknown name gives the least (spec of capabilities, PERM-1).
pub fn named(word: &str) -> PermissionSet {
    word.parse().unwrap_or(Minimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[PermissionSet] = PermissionSet::ALL;

    #[test]
    fn the_sets_are_a_partial_order() {
        for &a in ALL {
            assert!(includes(a, a) && includes(Trusted, a) && includes(a, Minimal));
            for &b in ALL {
                assert!(a == b || !includes(a, b) || !includes(b, a), "{a} {b}");
                for &c in ALL {
                    assert!(
                        !includes(a, b) || !includes(b, c) || includes(a, c),
                        "{a} {b} {c}"
                    );
                }
            }
        }
        assert!(!includes(Filesystem, NetworkApi) && !includes(NetworkApi, Filesystem));
        assert!(!includes(NetworkApi, Readonly) && includes(Filesystem, Readonly));
    }

    #[test]
    fn a_set_provides_all_that_a_set_inside_it_provides() {
        for &outer in ALL {
            for &inner in ALL.iter().filter(|&&inner| includes(outer, inner)) {
                for &operation in DetectedOperation::ALL {
                    assert!(
                        !provides(inner, operation) || provides(outer, operation),
                        "{outer} {inner} {operation}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_set_allows_what_the_table_says() {
        use DetectedOperation::{Env, Ffi, Net, Read, Run, Write};
        let expected: [(PermissionSet, &[DetectedOperation]); 6] = [
            (Minimal, &[]),
            (Readonly, &[Read]),
            (Filesystem, &[Read, Write]),
            (NetworkApi, &[Net]),
            (McpStandard, &[Read, Write, Net, Env]),
            (Trusted, &[Read, Write, Net, Env]),
        ];
        for (set, operations) in expected {
            for &operation in &[Read, Write, Net, Env, Run, Ffi] {
                assert_eq!(
                    provides(set, operation),
                    operations.contains(&operation),
                    "{set} {operation}"
                );
            }
        }
        assert_eq!(grants(Readonly).read, Reach::Only(&["./data", "/tmp"]));
        assert_eq!(grants(McpStandard).env, Reach::Only(&["HOME", "PATH"]));
    }

    #[test]
    fn an_escalation_leads_to_more_and_never_to_trusted() {
        for &from in ALL {
            for &to in ALL {
                let expected = from != to && to != Trusted && from != Trusted && includes(to, from);
                assert_eq!(may_move(from, to), expected, "{from} {to}");
            }
        }
    }

    #[test]
    fn the_risk_of_a_capability_is_the_greatest_of_its_parts() {
        let risks: Vec<&str> = ALL.iter().map(|&set| risk(set).as_str()).collect();
        assert_eq!(
            risks,
            [
                "safe",
                "safe",
                "moderate",
                "moderate",
                "dangerous",
                "dangerous"
            ]
        );
        let of =
            |sets: &[PermissionSet]| sets.iter().map(|&set| risk(set)).max().unwrap_or_default();
        assert_eq!(of(&[]), Risk::Safe);
        assert_eq!(of(&[Readonly, NetworkApi, Minimal]), Risk::Moderate);
    }

    /// AT-83.
    #[test]
    fn a_learned_set_counts_from_seven_tenths_on_and_a_written_one_always() {
        use PatternSource::{Emergent, Manual};
        let net = Some(NetworkApi);
        for (source, stored, confidence, expected) in [
            (Emergent, net, Some(0.69), Minimal),
            (Emergent, net, Some(0.70), NetworkApi),
            (Emergent, net, Some(f64::from(0.70_f32)), NetworkApi),
            (Emergent, net, None, Minimal),
            (Emergent, net, Some(f64::NAN), Minimal),
            (Emergent, None, Some(1.0), Minimal),
            (Manual, net, Some(0.3), NetworkApi),
            (Manual, None, None, McpStandard),
        ] {
            assert_eq!(effective(source, stored, confidence), expected);
        }
    }

    #[test]
    fn an_unknown_name_gives_the_least() {
        assert_eq!(named("network-api"), NetworkApi);
        assert_eq!(named("root"), Minimal);
    }
}
