//! `pml capabilities dependencies`: what capabilities need, contain or replace.

use sea_orm::prelude::Uuid;

use super::super::{
    backend::Backend,
    exit::Failure,
    output::{self, Format},
};
use crate::wire::capabilities::{
    DependenciesQuery, Dependency, DependencyBody, RemoveDependencyQuery,
};

/// What to do with edges.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the edges of a capability, the most trusted first.
    List {
        /// Its id or name
        reference: String,
        /// from: those that lead away from it; to: those that lead to it; both
        #[arg(long)]
        direction: Option<String>,
        #[command(flatten)]
        format: Format,
    },
    /// Add an edge, or count one more time that it was seen.
    Add(AddArgs),
    /// Remove an edge.
    Remove {
        /// Id or name of the capability it leads away from
        from: String,
        /// Id or name of the capability it leads to
        to: String,
    },
}

/// Which edge to add.
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// Id or name of the capability it leads away from
    from: String,
    /// Id or name of the capability it leads to
    to: String,
    /// contains, sequence, dependency, alternative or provides
    #[arg(long, value_name = "TYPE", default_value = "dependency")]
    r#type: String,
    /// template, inferred or observed [default: template]
    #[arg(long)]
    source: Option<String>,
    #[command(flatten)]
    format: Format,
}

/// Runs a command about edges.
///
/// # Errors
/// [`Failure`] with the reason and the exit code.
pub async fn run(backend: &Backend, command: Command) -> Result<(), Failure> {
    match command {
        Command::List {
            reference,
            direction,
            format,
        } => {
            let list = backend
                .dependencies(&reference, DependenciesQuery { direction })
                .await?;
            format.print(&list, |list| table(&list.items, None))
        }
        Command::Add(args) => {
            let body = DependencyBody {
                to: args.to,
                edge_type: args.r#type,
                edge_source: args.source,
            };
            let edge = backend.add_dependency(&args.from, body).await?;
            args.format
                .print(&edge, |edge| table(std::slice::from_ref(edge), None))
        }
        Command::Remove { from, to } => {
            let query = RemoveDependencyQuery { to };
            backend.remove_dependency(&from, query.clone()).await?;
            output::line(&format!("{from} -> {} is removed", query.to));
            Ok(())
        }
    }
}

/// Edges as people read them; the end with the pattern `own` is called `it`.
pub(super) fn table(edges: &[Dependency], own: Option<Uuid>) -> String {
    if edges.is_empty() {
        return "no dependencies".to_owned();
    }
    let end = |pattern: Uuid, name: Option<&String>| {
        if own == Some(pattern) {
            "it".to_owned()
        } else {
            name.cloned().unwrap_or_else(|| pattern.to_string())
        }
    };
    output::table(
        ["from", "to", "type", "source", "seen", "trust"],
        edges.iter().map(|edge| {
            [
                end(edge.from_pattern_id, edge.from_display_name.as_ref()),
                end(edge.to_pattern_id, edge.to_display_name.as_ref()),
                edge.edge_type.clone(),
                edge.edge_source.clone(),
                edge.observed_count.to_string(),
                format!("{:.2}", edge.confidence_score),
            ]
        }),
    )
}
