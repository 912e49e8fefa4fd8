//! Who is asking, and what is theirs.

use std::{convert::Infallible, net::IpAddr};

use axum::{extract::FromRequestParts, http::request::Parts};
use darkroom_api::Code;
use darkroom_core::{
    job::{Job, Lane, NewJob, Owner},
    user::Role,
};

use super::{
    Http,
    failure::Failure,
    quotas::{Quotas, Subject},
    state::job_id,
};
use crate::accounts::{Identity, network};

/// Who is asking. Handlers take it as an argument; the gate has put it there.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    owner: Owner,
    /// `None` may do nothing but what everybody may.
    role: Option<Role>,
    identity: Option<Identity>,
    subject: Subject,
    max_open_jobs: Option<u64>,
}

impl Caller {
    /// Somebody who was not asked who they are.
    pub(super) fn nobody(address: IpAddr) -> Self {
        let subject = Subject::Address(network(address));
        Self { owner: Owner::default(), role: None, identity: None, subject, max_open_jobs: None }
    }

    /// Somebody who has not signed in, and need not.
    pub(super) fn anonymous(role: Role, subject: Subject, quotas: &Quotas) -> Self {
        let max_open_jobs = quotas.open_jobs(subject);
        Self { owner: Owner::default(), role: Some(role), identity: None, subject, max_open_jobs }
    }

    /// Somebody who has signed in.
    pub(super) fn signed(identity: Identity, quotas: &Quotas) -> Self {
        let subject = Subject::User(identity.user.id);
        Self {
            owner: identity.user.owner(),
            role: Some(identity.user.role),
            identity: Some(identity),
            subject,
            max_open_jobs: quotas.open_jobs(subject),
        }
    }

    pub(super) fn role(&self) -> Option<Role> {
        self.role
    }

    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    pub(super) fn subject(&self) -> Subject {
        self.subject
    }

    /// Who they have proved to be.
    pub(super) fn signed_in(&self) -> Result<&Identity, Failure> {
        self.identity.as_ref().ok_or_else(|| Failure::plain(Code::NotAuthenticated))
    }

    pub(super) fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Whether everybody's jobs are theirs to see and change.
    pub(super) fn sees_all(&self) -> bool {
        self.role >= Some(Role::Operator)
    }

    /// Whether this owner's jobs are theirs to see and change.
    pub(super) fn sees(&self, owner: &Owner) -> bool {
        self.sees_all() || (self.role.is_some() && self.owner == *owner)
    }

    /// The only owner whose jobs they see; `None` is everybody.
    pub(super) fn only(&self) -> Option<Owner> {
        (!self.sees_all()).then(|| self.owner.clone())
    }

    /// Makes a job theirs: it takes turns with their own ones, and counts as open.
    pub(super) fn claim(&self, job: &mut NewJob) {
        job.owner = self.owner.clone();
        job.lane = Lane::from(&self.owner);
        job.max_open = self.max_open_jobs;
    }
}

impl Http {
    /// The caller's job of this id, which comes from a path. Those of others do not exist.
    pub(super) async fn job_of(&self, caller: &Caller, id: &str) -> Result<Job, Failure> {
        let job = self.store.job(job_id(id)?).await?;
        job.filter(|job| caller.sees(&job.owner)).ok_or_else(|| Failure::plain(Code::JobNotFound))
    }
}

impl Http {
    /// The job of this id, which comes from a path, whoever it belongs to.
    pub(super) async fn any_job(&self, id: &str) -> Result<Job, Failure> {
        self.store.job(job_id(id)?).await?.ok_or_else(|| Failure::plain(Code::JobNotFound))
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let caller = parts.extensions.get::<Self>().cloned();
        // Whoever did not pass the gate is nobody.
        Ok(caller.unwrap_or_else(|| Self::nobody(IpAddr::from([0, 0, 0, 0]))))
    }
}
