//! Who vouches for a capability: an Ed25519 signature over its code and its name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, VerifyingKey};
use pml_entity::values::{CapabilityId, CodeHash, PatternId};
use sea_orm::{ConnectionTrait, FromQueryResult, Value};

use super::access::{self, not_found};
use super::rename::author;
use super::{CapabilityError, Reference, Resolved, resolve, resolve_for_change};
use crate::{Error, Principal, sql};

/// Begins every message, so that a signature for something else is never one of a capability.
const VERSION: &str = "pml-capability-v1";

/// What to check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Ed25519 public key: 32 bytes in base64.
    pub public_key: Option<String>,
    /// Ed25519 signature of [`Verified::message`]: 64 bytes in base64. `None`: the stored one.
    pub signature: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The entry.
    pub id: CapabilityId,
    /// Its full name, which the message holds.
    pub fqdn: String,
    /// Hash of its code, which the message holds.
    pub code_hash: CodeHash,
    /// What is signed: `pml-capability-v1`, the hash of the code and the full name, one a line, without a line end behind the last.
    pub message: String,
    /// Whether a signature is stored.
    pub signed: bool,
    /// Whether the signature is one of the message by that key. `None` without a key, or without a signature: nothing was checked.
    pub valid: Option<bool>,
    /// Whether the stored signature was checked when it was stored.
    pub verified: bool,
    /// Set when the reference was an old name.
    pub warning: Option<String>,
}

/// Checks a signature of a capability, and stores a good one.
///
/// * With a key and a signature: checks it, stores it, and sets `verified`; for who may change the capability. A signature that stands
///   already is not written again.
/// * With a key: checks the stored signature. Nothing is written.
/// * Without either: says what is to be signed, and whether it is.
///
/// A signature is over the whole hash of the code and the full name; a rename or other code removes it. Two statements, three to store.
///
/// # Errors
/// [`Error::NotFound`], [`CapabilityError::Ambiguous`]; [`CapabilityError::InvalidPublicKey`], also for a signature without a key;
/// [`CapabilityError::InvalidSignature`] for a given signature that is not one of this message by this key: nothing is written then;
/// [`CapabilityError::NoCode`] if the pattern was deleted; [`Error::Conflict`] if name or code change at the same moment.
pub async fn verify<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    reference: &Reference,
    verification: Verification,
) -> Result<Verified, Error> {
    let key = verification
        .public_key
        .map(|text| key(&text).ok_or(CapabilityError::InvalidPublicKey))
        .transpose()?;
    let given = verification
        .signature
        .map(|text| signature(&text).ok_or(CapabilityError::InvalidSignature))
        .transpose()?;
    let found = if given.is_some() {
        resolve_for_change(db, who, reference).await?
    } else {
        resolve(db, who, reference).await?
    };
    let standing = read(db, who, &found).await?;
    let standing = standing.ok_or_else(|| not_found(reference))?;
    let (Some(pattern), Some(code_hash)) = (standing.pattern_id, standing.code_hash.clone()) else {
        let key = reference.to_string();
        return Err(CapabilityError::NoCode { key }.into());
    };
    let mut verified = Verified {
        id: found.id,
        message: message(&code_hash, &standing.fqdn),
        fqdn: standing.fqdn.clone(),
        code_hash,
        signed: standing.signature.is_some(),
        valid: None,
        verified: standing.verified,
        warning: found.warning,
    };
    match (key, given) {
        (None, Some(_)) => return Err(CapabilityError::InvalidPublicKey.into()),
        (Some(key), Some(signature)) => {
            if !is_valid(&key, &verified.message, &signature) {
                return Err(CapabilityError::InvalidSignature.into());
            }
            let text = STANDARD.encode(signature.to_bytes());
            if standing.signature.as_deref() != Some(&text) || !standing.verified {
                store(db, who, &verified, pattern, &text).await?;
            }
            verified.signed = true;
            verified.verified = true;
            verified.valid = Some(true);
        }
        (Some(key), None) => {
            verified.valid = standing.signature.map(|text| {
                signature(&text)
                    .is_some_and(|signature| is_valid(&key, &verified.message, &signature))
            });
        }
        (None, None) => {}
    }
    Ok(verified)
}

fn message(code_hash: &CodeHash, fqdn: &str) -> String {
    format!("{VERSION}\n{code_hash}\n{fqdn}")
}

/// Strict: a signature that is good by one reading of RFC 8032 and not by another is not good.
fn is_valid(key: &VerifyingKey, message: &str, signature: &Signature) -> bool {
    key.verify_strict(message.as_bytes(), signature).is_ok()
}

/// `None` also for a point of small order, for which anybody can sign.
fn key(text: &str) -> Option<VerifyingKey> {
    let key = VerifyingKey::from_bytes(&decoded(text)?).ok()?;
    Some(key).filter(|key| !key.is_weak())
}

fn signature(text: &str) -> Option<Signature> {
    Some(Signature::from_bytes(&decoded(text)?))
}

fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Four characters for three bytes: whatever is longer is not looked at.
    if text.len() > N * 2 {
        return None;
    }
    STANDARD.decode(text.trim()).ok()?.try_into().ok()
}

#[derive(Debug, FromQueryResult)]
struct Standing {
    fqdn: String,
    pattern_id: Option<PatternId>,
    code_hash: Option<CodeHash>,
    signature: Option<String>,
    verified: bool,
}

async fn read<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    found: &Resolved,
) -> Result<Option<Standing>, Error> {
    let visible = access::visible(who, "r", 2);
    let sql = format!(
        "SELECT r.fqdn, r.pattern_id, r.code_hash, r.signature, r.verified FROM capability r WHERE r.id = $1 AND {}",
        visible.sql
    );
    let mut values: Vec<Value> = vec![found.id.into()];
    values.extend(visible.values);
    let statement = sql::statement(sql, values);
    Ok(Standing::find_by_statement(statement).one(db).await?)
}

/// Stores a signature, if what it is of still stands.
async fn store<C: ConnectionTrait>(
    db: &C,
    who: &Principal,
    signed: &Verified,
    pattern: PatternId,
    signature: &str,
) -> Result<(), Error> {
    let changeable = access::changeable(who, "r", 7);
    let sql = format!(
        "UPDATE capability_records r SET signature = $1, verified = true, updated_at = now(), updated_by = $2 \
         WHERE r.id = $3 AND r.org || '.' || r.project || '.' || r.namespace || '.' || r.action || '.' || r.hash = $4 \
           AND r.workflow_pattern_id = $5 \
           AND EXISTS (SELECT FROM workflow_pattern p WHERE p.pattern_id = $5 AND p.code_hash = $6) AND {}",
        changeable.sql
    );
    let mut values: Vec<Value> = vec![
        signature.into(),
        author(who).into(),
        signed.id.into(),
        signed.fqdn.as_str().into(),
        pattern.into(),
        signed.code_hash.as_str().into(),
    ];
    values.extend(changeable.values);
    let statement = sql::statement(sql, values);
    if db.execute_raw(statement).await?.rows_affected() == 0 {
        return Err(Error::Conflict {
            constraint: "concurrent update".to_owned(),
            source: None,
        });
    }
    Ok(())
}
