//! A [`Db`] is an executor itself: whatever takes a connection or a transaction takes it too.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, IsolationLevel,
    QueryResult, Statement, TransactionError, TransactionOptions, TransactionTrait,
};

use super::Db;

#[async_trait]
impl ConnectionTrait for Db {
    fn get_database_backend(&self) -> DbBackend {
        ConnectionTrait::get_database_backend(self.conn())
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.conn().execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.conn().execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.conn().query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.conn().query_all_raw(statement).await
    }
}

type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

#[async_trait]
impl TransactionTrait for Db {
    type Transaction = DatabaseTransaction;

    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        let connection = self.conn().clone();
        to_its_end(async move { TransactionTrait::begin(&connection).await }).await
    }

    async fn begin_with_config(
        &self,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<DatabaseTransaction, DbErr> {
        let connection = self.conn().clone();
        to_its_end(async move {
            TransactionTrait::begin_with_config(&connection, isolation_level, access_mode).await
        })
        .await
    }

    async fn begin_with_options(
        &self,
        options: TransactionOptions,
    ) -> Result<DatabaseTransaction, DbErr> {
        let connection = self.conn().clone();
        to_its_end(async move { TransactionTrait::begin_with_options(&connection, options).await })
            .await
    }

    async fn transaction<F, T, E>(&self, work: F) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        within(self.begin().await, work).await
    }

    async fn transaction_with_config<F, T, E>(
        &self,
        work: F,
        isolation_level: Option<IsolationLevel>,
        access_mode: Option<AccessMode>,
    ) -> Result<T, TransactionError<E>>
    where
        F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T, E> + Send,
        T: Send,
        E: std::fmt::Display + std::fmt::Debug + Send,
    {
        let begun = self.begin_with_config(isolation_level, access_mode).await;
        within(begun, work).await
    }
}

/// Begins in a task of its own, which goes on when the caller is dropped.
///
/// The driver counts a transaction once the server has answered BEGIN. A caller that is dropped in between (a client hangs up) would leave one
/// open on the connection that nobody knows of, and the next user of the connection would write into it. Begun here, it is rolled back instead.
async fn to_its_end<F>(begin: F) -> Result<DatabaseTransaction, DbErr>
where
    F: Future<Output = Result<DatabaseTransaction, DbErr>> + Send + 'static,
{
    let task = tokio::spawn(begin);
    task.await
        .unwrap_or_else(|error| Err(DbErr::Custom(format!("BEGIN was not finished: {error}"))))
}

/// Commits when the work succeeds, rolls back when it fails.
async fn within<F, T, E>(
    begun: Result<DatabaseTransaction, DbErr>,
    work: F,
) -> Result<T, TransactionError<E>>
where
    F: for<'c> FnOnce(&'c DatabaseTransaction) -> Work<'c, T, E> + Send,
    E: std::fmt::Display + std::fmt::Debug,
{
    let tx = begun.map_err(TransactionError::Connection)?;
    match work(&tx).await {
        Ok(value) => {
            tx.commit().await.map_err(TransactionError::Connection)?;
            Ok(value)
        }
        Err(error) => {
            tx.rollback().await.map_err(TransactionError::Connection)?;
            Err(TransactionError::Transaction(error))
        }
    }
}
