//! The oracle: an independent model of what the app should hold, compared with what it does hold.
//!
//! It reads the directory, the rules of the job as data, and the requests that were sent; of what assembles mappings,
//! speaks dialects, plans and runs cycles it uses nothing, so that a mistake there can not hide here (design 9). Only
//! the expression language is shared, which has vectors of its own. Pure: values in, a [`Report`] out.
//!
//! A difference is an account that is **missing**, one that is an **orphan**, or an attribute or reference that has
//! **drifted**. Each has a [`Verdict`]: the app's fault, a blind spot that Entra has by a documented [`Rule`], or a
//! defect of ours; and where a request can be named that it began with, its place in the journal.

mod attribute;
mod compare;
mod model;
mod references;
#[cfg(test)]
mod tests;
mod verdict;
mod wanted;
mod wire;

pub use compare::{Question, compare};
pub use model::{
    Filtered, Flow, History, Key, Kind, Link, Object, Reference, Rule as MappingRule, Settings, Source,
    State, World,
};
pub use verdict::{Compared, Difference, Finding, Report, Rule, Verdict};
