//! scratch
#![allow(missing_docs, clippy::all, clippy::pedantic, clippy::unwrap_used)]
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use std::time::Instant;
#[tokio::main]
async fn main() {
    let test = pml_testkit::database().await;
    let db = test.db();
    let n = std::env::args().nth(1).unwrap();
    let sqls = std::fs::read_to_string(std::env::args().nth(2).unwrap()).unwrap().replace("$N", &n);
    for sql in sqls.split(";\n").filter(|s| !s.trim().is_empty()) {
        let t = Instant::now();
        if sql.trim_start().to_lowercase().starts_with("select") || sql.trim_start().to_lowercase().starts_with("explain") {
            let r = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await;
            match r { Ok(rows) => for row in rows { println!("   {:?}", row.try_get_by_index::<String>(0)); }, Err(e) => println!("ERR {e}") }
            println!("{:?} {}", t.elapsed(), sql.trim().chars().take(70).collect::<String>());
        } else {
            let r = db.execute_unprepared(sql).await;
            println!("{:?} {:?} {}", t.elapsed(), r.map(|r| r.rows_affected()).map_err(|e| e.to_string()), sql.trim().chars().take(70).collect::<String>());
        }
    }
}
