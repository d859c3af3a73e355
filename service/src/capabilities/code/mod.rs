//! Learned code: its canonical form, its hashes, and what it refers to.
//!
//! Everything here works on text and JSON alone. Code is JavaScript or TypeScript; none of these functions fails on broken code.

mod references;
pub(super) mod scan;
mod structure;
mod text;

use pml_entity::values::{CodeHash, UserId};
use serde_json::Value;

pub(super) use references::is_reference;
pub use references::references;
pub use structure::structural_hash;
pub use text::{canonical_text, text_hash};

/// The hash that names code: of its structure where there is one with a node, else of its text (spec of capabilities, HASH-4).
pub fn code_hash(code: &str, structure: Option<&Value>) -> CodeHash {
    structure
        .and_then(structural_hash)
        .unwrap_or_else(|| text_hash(code))
}

/// What `workflow_pattern.pattern_hash` holds: the code hash itself where nobody owns the pattern, else the lower-case hexadecimal
/// SHA-256 of `{code_hash}:{user_id}`, so that two owners of the same code have two patterns (spec of capabilities, D13).
pub fn pattern_hash(code: &CodeHash, owner: Option<&UserId>) -> String {
    match owner {
        None => code.as_str().to_owned(),
        Some(user) => CodeHash::of(&format!("{code}:{user}")).into_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_structure_with_a_node_names_the_code_and_text_does_otherwise() {
        let structure =
            json!({"nodes": [{"id": "n1", "type": "task", "tool": "a:x"}], "edges": []});
        let structural = structural_hash(&structure).unwrap();
        assert_eq!(code_hash("mcp.a.x()", Some(&structure)), structural);
        assert_eq!(code_hash("await mcp.a.x();", Some(&structure)), structural);
        assert_eq!(code_hash("1  +  1", None), text_hash("1 + 1"));
        assert_eq!(
            code_hash("1 + 1", Some(&json!({"nodes": []}))),
            text_hash("1 + 1")
        );
    }

    #[test]
    fn the_pattern_hash_differs_between_owners_of_the_same_code() {
        let code = text_hash("return 42;");
        let user = |id: &str| id.parse::<UserId>().unwrap();
        let first = user("6F1C1F0E-4A2F-4C57-9D0A-0A1B2C3D4E5F");
        let second = user("0b8f6d9a-1111-4c57-9d0a-0a1b2c3d4e5f");
        assert_eq!(pattern_hash(&code, None), code.as_str());
        assert_eq!(
            pattern_hash(&code, Some(&first)),
            CodeHash::of(
                "6a98d35093f15c84a9ccc34b0265e824ea49910551c181a250b362448204a253:6f1c1f0e-4a2f-4c57-9d0a-0a1b2c3d4e5f"
            )
            .as_str()
        );
        assert_ne!(
            pattern_hash(&code, Some(&first)),
            pattern_hash(&code, Some(&second))
        );
    }
}
