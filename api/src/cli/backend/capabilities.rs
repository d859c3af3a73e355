//! The calls of the capabilities area.

use pml_service::{
    Principal,
    capabilities::{self as service, Verification, dependencies, permissions},
};

use super::{
    super::exit::{Exit, Failure},
    Backend, Local,
};
use crate::{
    http::input::capabilities as input,
    wire::{
        List,
        capabilities::{
            AuditEntry, AuditQuery, CapabilityDetails, CapabilityListQuery, CapabilityQuery,
            CapabilitySearchAnswer, CapabilitySummary, DependenciesQuery, Dependency,
            DependencyBody, MergeAnswer, MergeBody, PermissionAnswer, PermissionBody,
            PermissionState, RemoveDependencyQuery, RenameAnswer, RenameBody, SaveAnswer,
            VerifyAnswer, VerifyBody,
        },
    },
};

/// Who the command line acts for on a database of its own.
const WHO: Principal = Principal::Local;

impl Backend {
    /// Saves code that ran. The body is the one of the HTTP route, so that both ways judge it alike.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn save_capability(&self, body: serde_json::Value) -> Result<SaveAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let request = input::save_request(&WHO, None, parsed(&body)?)?;
                Ok(service::save(&local.db, &*local.embedder, &WHO, request)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.save_capability(body).await?),
        }
    }

    /// Lists capabilities.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn list_capabilities(
        &self,
        query: CapabilityListQuery,
    ) -> Result<List<CapabilitySummary>, Failure> {
        match self {
            Self::Local(local) => {
                let (filter, page) = input::list_request(query)?;
                Ok(service::list(&local.db, &WHO, &filter, page).await?.into())
            }
            Self::Remote(client) => Ok(client.list_capabilities(&query).await?),
        }
    }

    /// Finds capabilities. The body is the one of the HTTP route.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn search_capabilities(
        &self,
        body: serde_json::Value,
    ) -> Result<CapabilitySearchAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let request = input::search_request(parsed(&body)?)?;
                Ok(service::search(&local.db, &*local.embedder, &WHO, &request)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.search_capabilities(body).await?),
        }
    }

    /// Shows one capability.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn get_capability(&self, reference: &str) -> Result<CapabilityDetails, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                Ok(service::get(&local.db, &WHO, &reference).await?.into())
            }
            Self::Remote(client) => Ok(client
                .get_capability(reference, &CapabilityQuery::default())
                .await?),
        }
    }

    /// Renames or redescribes a capability.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn rename_capability(
        &self,
        reference: &str,
        body: RenameBody,
    ) -> Result<RenameAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                let change = input::rename_request(body)?;
                Ok(
                    service::rename(&local.db, &*local.embedder, &WHO, &reference, change)
                        .await?
                        .into(),
                )
            }
            Self::Remote(client) => Ok(client.rename_capability(reference, &body).await?),
        }
    }

    /// Deletes a capability.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn delete_capability(&self, reference: &str) -> Result<(), Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                service::delete(&local.db, &WHO, &reference).await?;
                Ok(())
            }
            Self::Remote(client) => Ok(client.delete_capability(reference).await?),
        }
    }

    /// Folds one capability into another.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn merge_capabilities(&self, body: MergeBody) -> Result<MergeAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let source = input::reference(&body.source)?;
                let target = input::reference(&body.target)?;
                let prefer = body.prefer_source_code;
                Ok(service::merge(&local.db, &WHO, &source, &target, prefer)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.merge_capabilities(&body).await?),
        }
    }

    /// Checks the signature of a capability.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn verify_capability(&self, body: VerifyBody) -> Result<VerifyAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(&body.reference)?;
                let verification = Verification {
                    public_key: body.public_key,
                    signature: body.signature,
                };
                Ok(service::verify(&local.db, &WHO, &reference, verification)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.verify_capability(&body).await?),
        }
    }

    /// The edges of a capability.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn dependencies(
        &self,
        reference: &str,
        query: DependenciesQuery,
    ) -> Result<List<Dependency>, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                let direction = input::direction(&query)?;
                let edges = dependencies::list(&local.db, &WHO, &reference, direction).await?;
                Ok(List::complete(edges))
            }
            Self::Remote(client) => Ok(client.dependencies(reference, &query).await?),
        }
    }

    /// Adds an edge.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn add_dependency(
        &self,
        reference: &str,
        body: DependencyBody,
    ) -> Result<Dependency, Failure> {
        match self {
            Self::Local(local) => {
                let from = input::reference(reference)?;
                let (to, edge_type, source) = input::edge(&body)?;
                Ok(
                    dependencies::add(&local.db, &WHO, &from, &to, edge_type, source)
                        .await?
                        .into(),
                )
            }
            Self::Remote(client) => Ok(client.add_dependency(reference, &body).await?),
        }
    }

    /// Removes an edge.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn remove_dependency(
        &self,
        reference: &str,
        query: RemoveDependencyQuery,
    ) -> Result<(), Failure> {
        match self {
            Self::Local(local) => {
                let from = input::reference(reference)?;
                let to = input::reference(&query.to)?;
                dependencies::remove(&local.db, &WHO, &from, &to).await?;
                Ok(())
            }
            Self::Remote(client) => Ok(client.remove_dependency(reference, &query).await?),
        }
    }

    /// What a capability may touch.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn permissions(&self, reference: &str) -> Result<PermissionState, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                Ok(permissions::state(&local.db, &WHO, &reference)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.permissions(reference).await?),
        }
    }

    /// Decides what a capability may touch.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn decide_permission(
        &self,
        reference: &str,
        body: PermissionBody,
    ) -> Result<PermissionAnswer, Failure> {
        match self {
            Self::Local(local) => {
                let reference = input::reference(reference)?;
                let change = input::permission_change(body)?;
                Ok(permissions::change(&local.db, &WHO, &reference, change)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.decide_permission(reference, &body).await?),
        }
    }

    /// The decisions that were made.
    ///
    /// # Errors
    /// [`Failure`] with the reason.
    pub async fn permission_audit(&self, query: AuditQuery) -> Result<List<AuditEntry>, Failure> {
        match self {
            Self::Local(local) => {
                let (filter, page) = input::audit_request(query)?;
                Ok(permissions::audit(&local.db, &WHO, &filter, page)
                    .await?
                    .into())
            }
            Self::Remote(client) => Ok(client.permission_audit(&query).await?),
        }
    }

    /// The database of this process, for what no server does on request.
    ///
    /// # Errors
    /// [`Failure`] when a server holds it.
    pub fn database(&self) -> Result<&Local, Failure> {
        match self {
            Self::Local(local) => Ok(local),
            Self::Remote(client) => {
                let url = client.url();
                let message = format!("this cannot be done through the server at {url}");
                Err(Failure::new(Exit::Refused, message).hint("stop `pml serve`, or unset PML_URL"))
            }
        }
    }
}

/// By way of text: raw numbers cannot be taken out of a parsed value.
fn parsed<T: serde::de::DeserializeOwned>(body: &serde_json::Value) -> Result<T, Failure> {
    serde_json::from_str(&body.to_string())
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
}
