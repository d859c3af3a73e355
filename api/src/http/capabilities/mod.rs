//! Routes of the capabilities area.

pub(super) mod change;
pub(super) mod dependencies;
pub(super) mod permissions;
pub(super) mod read;
pub(super) mod search;

use axum::{
    extract::State,
    routing::{MethodRouter, get},
};

use super::{
    extract::{Caller, JsonBody, QueryParams, Segment},
    state::AppState,
};

/// Last parts of the addresses that a verb has, although a capability may be called so.
pub(super) const VERBS: [&str; 4] = ["search", "merge", "embeddings", "verify"];

/// Reads, renames and deletes the capability with this action, at the address that a verb shares with it.
pub(super) fn called(action: &'static str) -> MethodRouter<AppState> {
    let segment = move || Segment(action.to_owned());
    get(
        move |state: State<AppState>, caller: Caller, query: QueryParams<_>| {
            read::get_capability(state, caller, segment(), query)
        },
    )
    .patch(
        move |state: State<AppState>, caller: Caller, body: JsonBody<_>| {
            change::rename_capability(state, caller, segment(), body)
        },
    )
    .delete(move |state: State<AppState>, caller: Caller| {
        change::delete_capability(state, caller, segment())
    })
}
