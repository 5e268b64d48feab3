//! What an application that is held to its profile says of itself: the listed attributes and no others.

use serde_json::{Map, Value, json};

use super::AppRules;
use super::listed::Listed;
use crate::target::ResourceKind;
use crate::target::discovery::{attribute_document, resource_type, schema_document};
use crate::target::schema::{self, ENTERPRISE, Place};

const KINDS: [ResourceKind; 2] = [ResourceKind::User, ResourceKind::Group];

impl AppRules {
    /// Every resource type.
    pub(in crate::target) fn resource_types(&self, base: &str) -> Vec<Value> {
        let there = KINDS.into_iter().filter(|kind| self.has(*kind));
        there.map(|kind| resource_type(kind, &self.extensions(kind), base)).collect()
    }

    /// Every schema: the core ones first, then the extensions in the order of the list.
    pub(in crate::target) fn schemas(&self, base: &str) -> Vec<Value> {
        let mut documents = Vec::new();
        for kind in KINDS.into_iter().filter(|kind| self.has(*kind)) {
            let attributes = self.attributes(kind, &Place::Core);
            documents.push(schema_document(schema::core_schema(kind), kind.as_str(), &attributes, base));
        }
        for kind in KINDS.into_iter().filter(|kind| self.has(*kind)) {
            for urn in self.extensions(kind) {
                let mut attributes = self.attributes(kind, &Place::Extension(urn.clone()));
                attributes.extend(self.license_of_users(kind, &urn));
                documents.push(schema_document(&urn, extension_name(&urn), &attributes, base));
            }
        }
        documents
    }

    /// The extensions of a kind.
    fn extensions(&self, kind: ResourceKind) -> Vec<String> {
        let of_users = self.license.as_ref().filter(|_| kind == ResourceKind::User);
        let mut urns: Vec<String> = Vec::new();
        let listed = self.listed(kind).iter().filter_map(|one| match &one.place {
            Place::Extension(urn) => Some(urn),
            Place::Core => None,
        });
        for urn in listed.chain(of_users.map(|license| &license.user.urn)) {
            if !urns.iter().any(|known| known.eq_ignore_ascii_case(urn)) {
                urns.push(urn.clone());
            }
        }
        urns
    }

    fn attributes(&self, kind: ResourceKind, place: &Place) -> Vec<Value> {
        let listed = self.listed(kind);
        let here: Vec<&Listed> =
            listed.iter().filter(|one| one.place == *place && one.name != "id").collect();
        let mut documents = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for one in &here {
            if !seen.contains(&one.name.as_str()) {
                seen.push(&one.name);
                let parts: Vec<&Listed> = here.iter().copied().filter(|part| part.name == one.name).collect();
                documents.push(attribute(one, &parts));
            }
        }
        documents
    }

    fn license_of_users(&self, kind: ResourceKind, urn: &str) -> Option<Value> {
        let license = self.license.as_ref().filter(|_| kind == ResourceKind::User)?;
        license.user.urn.eq_ignore_ascii_case(urn).then(|| {
            let mut document = own_attribute(&license.user.name, "string");
            document.insert("mutability".to_owned(), "readOnly".into());
            document.insert("canonicalValues".to_owned(), json!([license.granted, license.withheld]));
            Value::Object(document)
        })
    }
}

/// An attribute with those of its parts that are listed.
fn attribute(one: &Listed, parts: &[&Listed]) -> Value {
    let mut document = match one.definition {
        Some(definition) => attribute_document(definition),
        None => own_attribute(&one.name, one.kind.as_str()),
    };
    let required = parts.iter().any(|part| part.required);
    document.insert("required".to_owned(), required.into());
    let values: Vec<&String> = parts.iter().flat_map(|part| &part.values).collect();
    if !values.is_empty() {
        document.insert("canonicalValues".to_owned(), json!(values));
    }
    if parts.iter().any(|part| part.sub.is_some())
        && let Some(Value::Array(subs)) = document.get_mut("subAttributes")
    {
        subs.retain(|sub| {
            let name = sub.get("name").and_then(Value::as_str).unwrap_or_default();
            let labels =
                one.definition.is_some_and(|of| of.multi_valued) && ["type", "primary"].contains(&name);
            labels || parts.iter().any(|part| part.sub.as_deref() == Some(name))
        });
    }
    Value::Object(document)
}

/// An attribute of an extension of the application's own.
fn own_attribute(name: &str, kind: &str) -> Map<String, Value> {
    let fields = [
        ("name", Value::from(name)),
        ("type", kind.into()),
        ("multiValued", false.into()),
        ("description", "An attribute of this app's own".into()),
        ("required", false.into()),
        ("caseExact", false.into()),
        ("mutability", "readWrite".into()),
        ("returned", "default".into()),
        ("uniqueness", "none".into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// `EnterpriseUser`, or for an extension of its own what the URN has between `extension:` and the version.
fn extension_name(urn: &str) -> &str {
    if urn == ENTERPRISE {
        return "EnterpriseUser";
    }
    let own = urn.split_once(":extension:").map_or(urn, |(_, own)| own);
    own.rsplit_once(":2.0:").map_or(own, |(name, _)| name)
}
