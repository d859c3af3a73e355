//! Area `identity`: who owns what.

pub mod users;
