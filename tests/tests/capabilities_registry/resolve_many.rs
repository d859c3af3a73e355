//! Many references in one statement.

use pml_entity::values::Visibility;
use pml_service::Principal;
use pml_service::capabilities::{Reference, resolve, resolve_many};
use pml_testkit::database;

use crate::fixture::{day, reference, seed, user};

#[tokio::test]
async fn answers_stand_in_the_order_of_the_references_and_none_for_what_leads_nowhere() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "webapp").await;
    let read = seed(&me, "fs:read").insert(db).await;
    let write = seed(&me, "fs:write").insert(db).await;
    seed(&me, "net:write").insert(db).await;
    let hidden = seed(&colleague, "fs:secret").insert(db).await;
    let texts = [
        "fs:write",
        "read",
        "write",
        &read.id.to_string(),
        "unknown",
        &hidden.id.to_string(),
        "fs:secret",
        &write.fqdn,
        "acme.webapp.fs.read",
        "acme.webapp.fs.read.0bad",
        "read",
    ];
    let references: Vec<Reference> = texts.iter().map(|text| reference(text)).collect();
    let found = resolve_many(db, &me, &references).await.unwrap();
    let ids: Vec<_> = found
        .iter()
        .map(|found| found.as_ref().map(|found| found.id))
        .collect();
    let (read, write) = (Some(read.id), Some(write.id));
    assert_eq!(
        ids,
        [
            write, read, None, read, None, None, None, write, read, None, read
        ]
    );
}

#[tokio::test]
async fn one_at_a_time_gives_the_same() {
    let test = database().await;
    let db = test.db();
    let me = user(db, "acme", "webapp").await;
    let colleague = user(db, "acme", "api").await;
    let stranger = user(db, "zeta", "app").await;
    let mut references = Vec::new();
    for (number, owner) in [&stranger, &colleague, &me].into_iter().enumerate() {
        for name in ["a:x", "b:y", "c:z", "c:y"].into_iter().skip(number) {
            let made = seed(owner, name)
                .visible_to(Visibility::Public)
                .last_used(day(u32::try_from(number).unwrap()))
                .insert(db)
                .await;
            references.extend([reference(name), reference(&name[2..])]);
            references.extend([made.reference(), reference(&made.fqdn)]);
        }
    }
    for who in [
        &me,
        &colleague,
        &stranger,
        &Principal::Local,
        &Principal::Anonymous,
    ] {
        let together = resolve_many(db, who, &references).await.unwrap();
        for (reference, together) in references.iter().zip(together) {
            let alone = resolve(db, who, reference).await.ok();
            assert_eq!(together, alone, "{who:?} {reference}");
        }
    }
}

#[tokio::test]
async fn one_statement_serves_any_number_and_none_serves_nothing() {
    let test = database().await;
    let db = test.db();
    let me = Principal::Local;
    let mut references = Vec::new();
    for number in 0..50 {
        let made = seed(&me, &format!("ns{number}:a{number}")).insert(db).await;
        references.push(match number % 4 {
            0 => made.reference(),
            1 => reference(&made.fqdn),
            2 => reference(&format!("ns{number}:a{number}")),
            _ => reference(&format!("a{number}")),
        });
    }
    for (count, statements) in [(0, 0), (1, 1), (50, 1)] {
        let before = db.statements().snapshot();
        let found = resolve_many(db, &me, &references[..count]).await.unwrap();
        assert_eq!(db.statements().since(&before).statements, statements);
        assert_eq!(found.iter().flatten().count(), count);
    }
}
