//! Source attributes that mappings and filters read, against those that there are (`mapping.md` OQ-25, 5.6).

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, JobConfig};
use crate::diagnostic::{Diagnostic, Place, did_you_mean};
use crate::directory::object::ObjectKind;
use crate::directory::read::is_multi_valued;
use crate::mapping::ObjectMapping;
use crate::mapping::check::UnknownAttributes;
use crate::mapping::source::{is_directory_extension, source_attribute, source_attributes};
use crate::scope::filter::FilterClause;

/// The attributes that a directory's files have, by kind.
pub(super) type Known = BTreeMap<ObjectKind, BTreeSet<String>>;

/// What is wrong with the source attributes of a job.
pub(super) fn check(config: &Config, job: &JobConfig, known: &Known) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    let mappings = job.mappings.mappings.iter();
    for mapping in mappings.filter(|mapping| mapping.kind == ObjectKind::User || job.groups) {
        for (name, place) in reads(job, mapping) {
            let place = place.unwrap_or_else(|| Place::file(&config.file));
            findings.extend(unknown(job, mapping.kind, name, known).map(|finding| finding.at(place.clone())));
            let several =
                is_directory_extension(name) && is_multi_valued(name, &config.directory.multi_valued);
            if several && mapping.source_attributes().contains(name) {
                let message =
                    format!("`{name}` is a multi-valued directory extension, which can not be mapped");
                findings.push(Diagnostic::error(message).at(place));
            }
        }
    }
    findings
}

/// Every attribute that is read, once for each mapping and once for all clauses, and where.
fn reads<'m>(job: &JobConfig, mapping: &'m ObjectMapping) -> Vec<(&'m str, Option<Place>)> {
    let places = &job.mappings.places;
    let mut reads = Vec::new();
    for (index, attribute) in mapping.attributes.iter().enumerate() {
        let place = places.mappings.get(&(mapping.kind, index));
        reads.extend(attribute.source.attributes().into_iter().map(|name| (name, place.cloned())));
    }
    let mut clauses: Vec<&str> =
        mapping.scope.all_groups().flat_map(|group| &group.clauses).map(FilterClause::attribute).collect();
    clauses.sort_unstable();
    clauses.dedup();
    reads.extend(
        clauses.into_iter().map(|name| (name, places.clauses.get(&(mapping.kind, name.to_owned())).cloned())),
    );
    reads
}

/// An attribute that neither Entra nor the directory has. A directory extension may have no value anywhere yet; but
/// one that is there in another letter case is another one.
fn unknown(job: &JobConfig, kind: ObjectKind, name: &str, known: &Known) -> Option<Diagnostic> {
    let own = known.get(&kind).into_iter().flatten().map(String::as_str);
    if job.fidelity.unknown_attributes == UnknownAttributes::Null
        || source_attribute(kind, name).is_some()
        || own.clone().any(|known| known == name)
    {
        return None;
    }
    let other_case = own.clone().find(|known| known.eq_ignore_ascii_case(name));
    if is_directory_extension(name) && other_case.is_none() {
        return None;
    }
    let names = source_attributes(kind).iter().map(|attribute| attribute.name).chain(own);
    let help = match other_case.or_else(|| did_you_mean(name, names)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            "add the column to the directory; `unknown_attributes = \"null\"` takes it as null".to_owned()
        }
    };
    Some(
        Diagnostic::error(format!("neither Entra nor the directory has an attribute `{name}` of a {kind}"))
            .help(help),
    )
}
