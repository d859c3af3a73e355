//! `pml capabilities rename`, `merge`, `delete` and `reembed`.

use serde_json::json;

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use super::{note_all, percent, times};
use crate::wire::capabilities::{
    CapabilityDetails, MergeAnswer, MergeBody, RenameAnswer, RenameBody,
};

/// Vectors that are made at once.
const REEMBED_BATCH: u32 = 64;

/// Which capability, and what to change.
#[derive(Debug, clap::Args)]
pub struct RenameArgs {
    /// Its id or name
    reference: String,
    /// Its new name: namespace:action, or only an action
    name: Option<String>,
    /// What it does, for people; an empty text removes it
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// A label, instead of those it has; may be given several times
    #[arg(long)]
    tag: Vec<String>,
    /// Remove all labels
    #[arg(long, conflicts_with = "tag")]
    no_tags: bool,
    /// private, project, org or public
    #[arg(long)]
    visibility: Option<String>,
    /// A label of this version; an empty text removes it
    #[arg(long, value_name = "TEXT")]
    version_tag: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Which capability goes into which.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// Id or name of the one that goes
    source: String,
    /// Id or name of the one that stays
    target: String,
    /// Whose code stays [default: that of the one that was written later]
    #[arg(long, value_enum)]
    code: Option<Winner>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    format: Format,
}

/// One of the two of a merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Winner {
    /// The one that goes.
    Source,
    /// The one that stays.
    Target,
}

/// Which capability to delete.
#[derive(Debug, clap::Args)]
pub struct DeleteArgs {
    /// Its id or name
    reference: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// How to print what was done.
#[derive(Debug, clap::Args)]
pub struct ReembedArgs {
    #[command(flatten)]
    format: Format,
}

/// Renames or redescribes.
///
/// # Errors
/// [`Failure`] for a name that is not valid or taken, or when there is no such capability.
pub async fn rename(backend: &Backend, args: RenameArgs) -> Result<(), Failure> {
    let (namespace, action) = args.name.as_deref().map(split_name).unwrap_or_default();
    let tags = (args.no_tags || !args.tag.is_empty()).then_some(args.tag);
    let body = RenameBody {
        namespace,
        action,
        description: args.description,
        tags,
        visibility: args.visibility,
        version_tag: args.version_tag,
    };
    let answer = backend.rename_capability(&args.reference, body).await?;
    note_all(&answer.warnings);
    args.format.print(&answer, |answer| {
        let RenameAnswer {
            display_name, fqdn, ..
        } = answer;
        if answer.changed {
            format!("it is {display_name} now\n{fqdn}")
        } else {
            format!("{display_name} is as it was")
        }
    })
}

/// Folds one into another, after asking.
///
/// # Errors
/// [`Failure`] when they are one, use other tools, do not exist, or nobody said yes.
pub async fn merge(backend: &Backend, args: MergeArgs) -> Result<(), Failure> {
    if !args.yes {
        let source = backend.get_capability(&args.source).await?;
        let target = backend.get_capability(&args.target).await?;
        let question = format!(
            "This folds {} into {} and removes it for good.",
            named(&source),
            named(&target)
        );
        output::confirm(&question, false)?;
    }
    let body = MergeBody {
        source: args.source,
        target: args.target,
        prefer_source_code: args.code.map(|winner| winner == Winner::Source),
    };
    let answer = backend.merge_capabilities(body).await?;
    args.format.print(&answer, merged)
}

/// Deletes, after asking.
///
/// # Errors
/// [`Failure`] when there is no such capability, or nobody said yes.
pub async fn delete(backend: &Backend, args: DeleteArgs) -> Result<(), Failure> {
    let details = backend.get_capability(&args.reference).await?;
    note_all(&details.warnings);
    let question = format!("This deletes {} for good.", named(&details));
    output::confirm(&question, args.yes)?;
    backend.delete_capability(&details.id.to_string()).await?;
    output::line(&format!("{} is deleted", details.display_name));
    Ok(())
}

/// Makes vectors anew, in the database of this process.
///
/// # Errors
/// [`Failure`] when a server holds the database, or the embedder fails.
pub async fn reembed(backend: &Backend, args: ReembedArgs) -> Result<(), Failure> {
    let local = backend.database()?;
    let bar = output::spinner("embedding");
    let shown = bar.clone();
    let on_progress = move |done: u64| shown.set_message(format!("embedding: {done}"));
    let done = pml_service::capabilities::reembed(
        &local.db,
        &*local.embedder,
        &on_progress,
        REEMBED_BATCH,
    )
    .await;
    bar.finish_and_clear();
    let done = done?;
    args.format.print(&json!({ "reembedded": done }), |_| {
        format!("{done} vectors are made anew")
    })
}

/// Namespace and action of a name; a name without a colon is an action.
pub(super) fn split_name(name: &str) -> (Option<String>, Option<String>) {
    match name.split_once(':') {
        None => (None, Some(name.to_owned())),
        Some((namespace, action)) => (Some(namespace.to_owned()), Some(action.to_owned())),
    }
}

fn named(details: &CapabilityDetails) -> String {
    format!(
        "{} ({}, used {})",
        details.display_name,
        details.fqdn,
        times(details.usage_count)
    )
}

fn merged(answer: &MergeAnswer) -> String {
    let MergeAnswer {
        deleted_source_name,
        target_display_name,
        target_fqdn,
        usage_count,
        success_rate,
        code_source,
        ..
    } = answer;
    let (uses, success) = (times(*usage_count), percent(*success_rate));
    format!(
        "{deleted_source_name} is part of {target_display_name} now: used {uses} ({success} successful), \
         with the code of the {code_source}\n{target_fqdn}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_split_at_its_first_colon() {
        let owned = |text: &str| Some(text.to_owned());
        assert_eq!(split_name("fs:read"), (owned("fs"), owned("read")));
        assert_eq!(split_name("a:b:c"), (owned("a"), owned("b:c")));
        assert_eq!(split_name("read"), (None, owned("read")));
    }
}
