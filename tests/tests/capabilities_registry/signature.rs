//! Signing capabilities, and checking who did.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pml_entity::values::Visibility;
use pml_service::capabilities::{Verification, Verified, verify};
use pml_service::{Db, Error, Principal};
use pml_testkit::database;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::fixture::{
    Made, assert_not_found, reference, row_versions, seed, sql, stored_pattern, stored_record, user,
};

fn key(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn public(key: &Ed25519KeyPair) -> String {
    STANDARD.encode(key.public_key())
}

fn signed(key: &Ed25519KeyPair, message: &str) -> String {
    STANDARD.encode(key.sign(message.as_bytes()))
}

async fn local(db: &Db, made: &Made, verification: Verification) -> Result<Verified, Error> {
    verify(db, &Principal::Local, &made.reference(), verification).await
}

#[tokio::test]
async fn without_a_key_the_message_is_told() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let found = local(db, &made, Verification::default()).await.unwrap();
    let code_hash = stored_pattern(db, &made).await.code_hash.unwrap();
    assert_eq!(
        found,
        Verified {
            id: made.id,
            fqdn: made.fqdn.clone(),
            message: format!("pml-capability-v1\n{code_hash}\n{}", made.fqdn),
            code_hash,
            signed: false,
            valid: None,
            verified: false,
            warning: None,
        }
    );
}

#[tokio::test]
async fn a_good_signature_is_stored_and_can_be_checked_by_everyone_who_sees_it() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let made = seed(&alice, "fs:read")
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    let message = local(db, &made, Verification::default())
        .await
        .unwrap()
        .message;
    let mine = key(1);
    let both = Verification {
        public_key: Some(public(&mine)),
        signature: Some(signed(&mine, &message)),
    };
    let stored = verify(db, &alice, &reference("fs:read"), both.clone())
        .await
        .unwrap();
    assert_eq!(
        (stored.signed, stored.valid, stored.verified),
        (true, Some(true), true)
    );
    let row = stored_record(db, &made).await;
    assert_eq!(
        (row.signature, row.verified),
        (both.signature.clone(), true)
    );
    assert_eq!(row.updated_by, alice.user_id().map(|id| id.to_string()));

    let before = row_versions(db).await;
    for (key, valid) in [(mine, true), (key(2), false)] {
        let only_key = Verification {
            public_key: Some(public(&key)),
            signature: None,
        };
        let found = verify(db, &Principal::Anonymous, &reference("fs:read"), only_key)
            .await
            .unwrap();
        assert_eq!(
            (found.signed, found.valid, found.verified),
            (true, Some(valid), true)
        );
    }
    verify(db, &alice, &reference("fs:read"), both)
        .await
        .unwrap();
    assert_eq!(
        row_versions(db).await,
        before,
        "neither a check nor a repetition writes"
    );
}

#[tokio::test]
async fn a_bad_signature_is_refused_and_nothing_is_written() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let other = seed(&Principal::Local, "fs:other").insert(db).await;
    let message = local(db, &made, Verification::default())
        .await
        .unwrap()
        .message;
    let others = local(db, &other, Verification::default())
        .await
        .unwrap()
        .message;
    let before = row_versions(db).await;
    let mine = key(1);
    let short = STANDARD.encode([1_u8; 63]);
    for signature in [
        signed(&key(2), &message),
        signed(&mine, &others),
        signed(&mine, &format!("{message}\n")),
        STANDARD.encode([0_u8; 64]),
        short,
        "not base64!".to_owned(),
        "A".repeat(1_000_000),
        String::new(),
    ] {
        let both = Verification {
            public_key: Some(public(&mine)),
            signature: Some(signature),
        };
        let refused = local(db, &made, both).await.unwrap_err();
        assert_eq!(refused.code(), "invalid_signature");
    }
    for public_key in [
        None,
        Some("AAAA".to_owned()),
        Some("!".to_owned()),
        Some(STANDARD.encode([1; 33])),
    ] {
        let both = Verification {
            public_key,
            signature: Some(signed(&mine, &message)),
        };
        assert_eq!(
            local(db, &made, both).await.unwrap_err().code(),
            "invalid_public_key"
        );
    }
    assert_eq!(row_versions(db).await, before);
}

#[tokio::test]
async fn an_unsigned_entry_has_nothing_to_check() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let only_key = || Verification {
        public_key: Some(public(&key(1))),
        signature: None,
    };
    let found = local(db, &made, only_key()).await.unwrap();
    assert_eq!((found.signed, found.valid), (false, None));
    // What an older system stored is checked like any other.
    sql(db, "UPDATE capability_records SET signature = 'old words'").await;
    let found = local(db, &made, only_key()).await.unwrap();
    assert_eq!(
        (found.signed, found.valid, found.verified),
        (true, Some(false), false)
    );
}

#[tokio::test]
async fn only_who_may_change_it_may_sign_it() {
    let test = database().await;
    let db = test.db();
    let alice = user(db, "acme", "webapp").await;
    let bob = user(db, "acme", "webapp").await;
    let made = seed(&alice, "fs:read")
        .visible_to(Visibility::Public)
        .insert(db)
        .await;
    let message = local(db, &made, Verification::default())
        .await
        .unwrap()
        .message;
    let both = Verification {
        public_key: Some(public(&key(1))),
        signature: Some(signed(&key(1), &message)),
    };
    let before = row_versions(db).await;
    for who in [&bob, &Principal::Anonymous] {
        let refused = verify(db, who, &reference("fs:read"), both.clone()).await;
        assert_not_found(refused, "fs:read");
    }
    assert_eq!(row_versions(db).await, before);
    let hidden = seed(&alice, "fs:hidden").insert(db).await;
    let id = hidden.id.to_string();
    let refused = verify(db, &bob, &reference(&id), Verification::default()).await;
    assert_not_found(refused, &id);
}

#[tokio::test]
async fn without_code_there_is_nothing_to_sign() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read")
        .without_code()
        .insert(db)
        .await;
    let refused = local(db, &made, Verification::default()).await.unwrap_err();
    assert_eq!(refused.code(), "no_code");
}

/// RFC 8032, section 7.1, test 2: this is plain Ed25519, so what another implementation signs passes here.
#[test]
fn the_scheme_is_plain_ed25519() {
    let secret = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    };
    let key = Ed25519KeyPair::from_seed_unchecked(&bytes(secret)).unwrap();
    assert_eq!(
        key.public_key().as_ref(),
        bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    );
}

/// Points of small order: with one of them as the key a signature of zeros is good for every message in the plain equation of RFC 8032.
#[tokio::test]
async fn a_weak_key_signs_nothing() {
    let test = database().await;
    let db = test.db();
    let made = seed(&Principal::Local, "fs:read").insert(db).await;
    let before = row_versions(db).await;
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut identity_signed = [0; 64];
    identity_signed[0] = 1;
    for (key, signature) in [([0; 32], [0; 64]), (identity, identity_signed)] {
        let refused = local(
            db,
            &made,
            Verification {
                public_key: Some(STANDARD.encode(key)),
                signature: Some(STANDARD.encode(signature)),
            },
        )
        .await;
        assert_eq!(refused.unwrap_err().code(), "invalid_public_key");
    }
    assert_eq!(row_versions(db).await, before);
}
