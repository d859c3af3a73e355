//! Who sees and who changes what: every read and every write, by every kind of caller, at every visibility.
//!
//! The rule stands once more here, as a table. A call that it forbids must answer exactly as for a capability that does not
//! exist, and must change nothing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::too_many_lines, reason = "a matrix is read as a whole")]

mod reads;
mod world;
mod writes;
