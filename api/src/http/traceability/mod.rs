//! Routes of the traceability area. Everything runs under the role of whoever asks: the policies of the database decide.

pub(super) mod analytics;
pub(super) mod patterns;
pub(super) mod read;
pub(super) mod record;
