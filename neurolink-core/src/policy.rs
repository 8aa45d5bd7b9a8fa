//! Policies: functions that decide who may do what with which object.
//!
//! A route or a group takes one by `.policy(..)`, a part of the paths by
//! [`RequirePolicy`](crate::middleware::RequirePolicy), which works around a host's own routes too.

#[cfg(feature = "policy")]
pub(crate) use crate::app::policy::ask;
pub use crate::app::policy::{AsyncPolicyFn, Decision, Policy, PolicyFn, async_policy_fn, policy_fn};
