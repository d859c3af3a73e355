//! Trying again what may succeed the next time.

use std::time::{Duration, SystemTime};

use crate::Error;

/// Pause before the second attempt; doubled before each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Runs `work` until it succeeds, fails for good, or has been tried `attempts` times.
///
/// Only for the outermost level: `work` must begin its own transaction, for a failed one cannot go on. It must also be safe to run
/// twice, since a lost connection leaves open whether the first run was committed.
///
/// # Errors
/// The last error of `work`.
pub async fn retry<T, F, W>(attempts: u32, mut work: F) -> Result<T, Error>
where
    F: FnMut() -> W,
    W: Future<Output = Result<T, Error>>,
{
    let mut pause = FIRST_PAUSE;
    let mut attempt = 1;
    loop {
        match work().await {
            Err(error) if error.is_retryable() && attempt < attempts => {
                tracing::debug!(attempt, code = error.code(), "trying again");
                tokio::time::sleep(jittered(pause)).await;
                pause *= 2;
                attempt += 1;
            }
            result => return result,
        }
    }
}

/// Between half and the whole of the pause, so that those who met do not meet again.
pub(crate) fn jittered(pause: Duration) -> Duration {
    let nanos = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos());
    pause / 2 + (pause / 2).mul_f64(f64::from(nanos % 1_000) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use sea_orm::{ConnAcquireErr, DbErr};

    use super::*;

    fn busy() -> Error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout).into()
    }

    #[tokio::test]
    async fn what_may_succeed_is_tried_again_until_it_does() {
        let mut runs = 0;
        let result = retry(5, || {
            runs += 1;
            std::future::ready(if runs < 3 { Err(busy()) } else { Ok(runs) })
        });
        assert_eq!(result.await.ok(), Some(3));
    }

    #[tokio::test]
    async fn attempts_are_counted_and_final_errors_are_final() {
        for (error, expected) in [(busy as fn() -> Error, 3), (|| Error::InvalidCursor, 1)] {
            let mut runs = 0;
            let result: Result<(), _> = retry(3, || {
                runs += 1;
                std::future::ready(Err(error()))
            })
            .await;
            assert!(result.is_err());
            assert_eq!(runs, expected);
        }
    }
}
