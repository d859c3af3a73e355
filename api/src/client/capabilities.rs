//! The calls of the capabilities area.

use reqwest::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{ApiClient, Error};
use crate::wire::{
    List,
    capabilities::{
        AuditEntry, AuditQuery, CapabilityDetails, CapabilityListQuery, CapabilityQuery,
        CapabilitySearchAnswer, CapabilitySummary, DependenciesQuery, Dependency, DependencyBody,
        MergeAnswer, MergeBody, PermissionAnswer, PermissionBody, PermissionState,
        RemoveDependencyQuery, RenameAnswer, RenameBody, SaveAnswer, VerifyAnswer, VerifyBody,
    },
};

impl ApiClient {
    /// Saves code that ran; the body has the fields of [`SaveBody`](crate::wire::capabilities::SaveBody).
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn save_capability(&self, body: Value) -> Result<SaveAnswer, Error> {
        self.capabilities(Method::POST, &[], &(), Some(body)).await
    }

    /// Lists capabilities.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn list_capabilities(
        &self,
        query: &CapabilityListQuery,
    ) -> Result<List<CapabilitySummary>, Error> {
        self.capabilities(Method::GET, &[], query, None).await
    }

    /// Finds capabilities; the body has the fields of [`CapabilitySearchBody`](crate::wire::capabilities::CapabilitySearchBody).
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn search_capabilities(&self, body: Value) -> Result<CapabilitySearchAnswer, Error> {
        self.capabilities(Method::POST, &["search"], &(), Some(body))
            .await
    }

    /// Shows one capability.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn get_capability(
        &self,
        reference: &str,
        query: &CapabilityQuery,
    ) -> Result<CapabilityDetails, Error> {
        self.capabilities(Method::GET, &[reference], query, None)
            .await
    }

    /// Renames or redescribes a capability.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn rename_capability(
        &self,
        reference: &str,
        body: &RenameBody,
    ) -> Result<RenameAnswer, Error> {
        self.capabilities(Method::PATCH, &[reference], &(), Some(json!(body)))
            .await
    }

    /// Deletes a capability.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn delete_capability(&self, reference: &str) -> Result<(), Error> {
        self.capabilities::<Option<()>>(Method::DELETE, &[reference], &(), None)
            .await
            .map(|_| ())
    }

    /// Folds one capability into another.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn merge_capabilities(&self, body: &MergeBody) -> Result<MergeAnswer, Error> {
        self.capabilities(Method::POST, &["merge"], &(), Some(json!(body)))
            .await
    }

    /// Checks the signature of a capability.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn verify_capability(&self, body: &VerifyBody) -> Result<VerifyAnswer, Error> {
        self.capabilities(Method::POST, &["verify"], &(), Some(json!(body)))
            .await
    }

    /// The edges of a capability.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn dependencies(
        &self,
        reference: &str,
        query: &DependenciesQuery,
    ) -> Result<List<Dependency>, Error> {
        self.capabilities(Method::GET, &[reference, "dependencies"], query, None)
            .await
    }

    /// Adds an edge.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn add_dependency(
        &self,
        reference: &str,
        body: &DependencyBody,
    ) -> Result<Dependency, Error> {
        self.capabilities(
            Method::POST,
            &[reference, "dependencies"],
            &(),
            Some(json!(body)),
        )
        .await
    }

    /// Removes an edge.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn remove_dependency(
        &self,
        reference: &str,
        query: &RemoveDependencyQuery,
    ) -> Result<(), Error> {
        self.capabilities::<Option<()>>(Method::DELETE, &[reference, "dependencies"], query, None)
            .await
            .map(|_| ())
    }

    /// What a capability may touch.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn permissions(&self, reference: &str) -> Result<PermissionState, Error> {
        self.capabilities(Method::GET, &[reference, "permissions"], &(), None)
            .await
    }

    /// Decides what a capability may touch.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn decide_permission(
        &self,
        reference: &str,
        body: &PermissionBody,
    ) -> Result<PermissionAnswer, Error> {
        self.capabilities(
            Method::POST,
            &[reference, "permissions"],
            &(),
            Some(json!(body)),
        )
        .await
    }

    /// The decisions that were made.
    ///
    /// # Errors
    /// [`Error`], as for every call.
    pub async fn permission_audit(&self, query: &AuditQuery) -> Result<List<AuditEntry>, Error> {
        self.capabilities(Method::GET, &["permissions", "audit"], query, None)
            .await
    }

    async fn capabilities<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &impl Serialize,
        body: Option<Value>,
    ) -> Result<T, Error> {
        let path = [&["api", "v1", "capabilities"], path].concat();
        self.call(method, &path, query, body).await
    }
}
