//! The body of a create (`mapping.md 2.2`, `wire.md 3`).

use serde_json::{Map, Value, json};

use super::definition::{AttributeType, parse_boolean};
use super::evaluate::{Mapped, MappedAttribute, MappedValue, ROLE_TYPE, RoleList};
use crate::directory::object::ObjectKind;
use crate::scim::path::{PathFilter, TargetPath};
use crate::scim::style::{Dialect, GroupCreateStyle, RolesStyle, Style};
use crate::scim::urn;

/// Why an object is not created: the code is `MandatoryFieldsMissing` (`engine.md 11.1`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the required attribute `{attribute}` has neither a value nor a default")]
pub struct CreateRefused {
    /// The target attribute.
    pub attribute: String,
}

impl Mapped {
    /// The body of the POST, its members in the order of `wire.md 3.1`.
    pub fn create_body(&self, style: &Style) -> Result<Value, CreateRefused> {
        let mut body = Map::new();
        for attribute in &self.attributes {
            match attribute.create_value() {
                Some(value) => place(&mut body, &attribute.path, create_json(attribute, value, style), style),
                None if attribute.traits.required => {
                    return Err(CreateRefused { attribute: attribute.path.to_string() });
                }
                None => {}
            }
        }
        match self.kind {
            ObjectKind::User => complete_user(&mut body, style),
            ObjectKind::Group => complete_group(&mut body, style),
        }
        body.insert("meta".to_owned(), json!({"resourceType": self.kind.as_str()}));
        Ok(resource_in_order(body))
    }
}

impl MappedAttribute {
    /// What a create sends: the value, else the default, unless the mapping takes no part.
    pub fn create_value(&self) -> Option<&MappedValue> {
        if self.ignored {
            return None;
        }
        self.value.as_ref().or(self.default.as_ref())
    }
}

fn complete_user(body: &mut Map<String, Value>, style: &Style) {
    body.insert("schemas".to_owned(), json!([urn::USER, urn::ENTERPRISE_USER]));
    if style.primary_marks {
        mark_primary_email(body);
    }
    if style.roles_always && !body.contains_key("roles") {
        body.insert("roles".to_owned(), json!([]));
    }
}

fn complete_group(body: &mut Map<String, Value>, style: &Style) {
    let group_create_style = match (style.group_create_style, style.dialect) {
        (GroupCreateStyle::Dialect, Dialect::Legacy2018) => GroupCreateStyle::Documented,
        (GroupCreateStyle::Dialect, Dialect::Default | Dialect::Optscim) => GroupCreateStyle::Observed,
        (chosen, _) => chosen,
    };
    let schemas = match group_create_style {
        GroupCreateStyle::Documented => json!([urn::GROUP, urn::ADSCIM_GROUP]),
        GroupCreateStyle::Dialect | GroupCreateStyle::Observed | GroupCreateStyle::Plain => {
            json!([urn::GROUP])
        }
    };
    body.insert("schemas".to_owned(), schemas);
    if group_create_style == GroupCreateStyle::Observed {
        body.insert("members".to_owned(), json!([]));
    }
}

/// The `work` e-mail is the primary one unless a mapping says otherwise (`mapping.md 2.2` step 4).
fn mark_primary_email(body: &mut Map<String, Value>) {
    let Some(Value::Array(emails)) = body.get_mut("emails") else {
        return;
    };
    for email in emails.iter_mut().filter_map(Value::as_object_mut) {
        let is_work =
            email.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
        if is_work && !email.contains_key("primary") {
            email.insert("primary".to_owned(), Value::Bool(true));
        }
    }
}

fn create_json(attribute: &MappedAttribute, value: &MappedValue, style: &Style) -> Value {
    let is_boolean = attribute.traits.attribute_type == AttributeType::Boolean;
    if let (MappedValue::Text(text), true) = (value, is_boolean && style.creates_with_boolean_text()) {
        return Value::from(text.as_str());
    }
    match (value, attribute.traits.roles) {
        (MappedValue::List(texts), Some(form)) => texts.iter().map(|text| role_element(text, form)).collect(),
        (MappedValue::List(texts), None) => {
            texts.iter().map(|text| typed_json(text, attribute.traits.attribute_type, style)).collect()
        }
        (MappedValue::Text(text), _) => typed_json(text, attribute.traits.attribute_type, style),
    }
}

/// A text as the JSON value of its type: booleans always, integers when so switched; the rest stays text
/// (`mapping.md 2.5`).
pub(super) fn typed_json(text: &str, attribute_type: AttributeType, style: &Style) -> Value {
    let typed = match attribute_type {
        AttributeType::Boolean => parse_boolean(text).map(Value::from),
        AttributeType::Integer if style.typed_json_values => text.parse::<i64>().ok().map(Value::from),
        AttributeType::Integer
        | AttributeType::String
        | AttributeType::DateTime
        | AttributeType::Reference
        | AttributeType::Binary => None,
    };
    typed.unwrap_or_else(|| Value::from(text))
}

/// An element of `roles` from the JSON text of a role function (`mapping.md 8`); other text is the role's value.
pub(super) fn role_element(text: &str, form: RoleList) -> Value {
    let role = serde_json::from_str::<Value>(text).ok().filter(Value::is_object);
    let part = |name| role.as_ref().and_then(|role| role.get(name)).and_then(Value::as_str);
    let name = match form {
        RoleList::Adding => "displayName",
        RoleList::Asserting => "display",
    };
    let mut element = Map::new();
    element.insert("primary".to_owned(), Value::Bool(false));
    element.insert("type".to_owned(), Value::from(ROLE_TYPE));
    if let Some(display_name) = part("displayName") {
        element.insert(name.to_owned(), Value::from(display_name));
    }
    element.insert("value".to_owned(), Value::from(part("value").unwrap_or(text)));
    Value::Object(element)
}

/// Puts a value where a path points, making what is missing on the way (`mapping.md 2.2` step 2).
fn place(body: &mut Map<String, Value>, path: &TargetPath, value: Value, style: &Style) {
    let container = match path.extension() {
        Some(schema) => object_at(body, schema),
        None => body,
    };
    let object = match (path.filter(), path.sub()) {
        (None, None) => {
            let name = spelling(container, path.attribute());
            container.insert(name, value);
            return;
        }
        (None, Some(_)) => object_at(container, path.attribute()),
        (Some(filter), _) => {
            let is_role = path.extension().is_none() && path.attribute().eq_ignore_ascii_case("roles");
            element_at(container, path.attribute(), filter, is_role, style)
        }
    };
    let name = spelling(object, path.sub().unwrap_or("value"));
    object.insert(name, value);
}

/// The name under which a member is already there, whatever its case; else the name as the mapping has it.
fn spelling(object: &Map<String, Value>, name: &str) -> String {
    object.keys().find(|known| known.eq_ignore_ascii_case(name)).map_or_else(|| name.to_owned(), Clone::clone)
}

fn object_at<'b>(container: &'b mut Map<String, Value>, name: &str) -> &'b mut Map<String, Value> {
    let name = spelling(container, name);
    as_object(container.entry(name).or_insert_with(|| json!({})))
}

/// The value as an object; a value of another type gives way.
fn as_object(value: &mut Value) -> &mut Map<String, Value> {
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made an object if it was none")
}

/// The element of an array that a filter names; a new one at the end where there is none.
fn element_at<'b>(
    container: &'b mut Map<String, Value>,
    name: &str,
    filter: &PathFilter,
    is_role: bool,
    style: &Style,
) -> &'b mut Map<String, Value> {
    let name = spelling(container, name);
    let array = container.entry(name).or_insert_with(|| json!([]));
    if !array.is_array() {
        *array = json!([]);
    }
    let elements = array.as_array_mut().expect("it was made an array if it was none");
    let at = elements.iter().position(|element| filter.selects(element)).unwrap_or_else(|| {
        let mut element = Map::new();
        element.insert(filter.attribute().to_owned(), filter_literal(filter, style));
        if is_role {
            element.insert("type".to_owned(), Value::from(ROLE_TYPE));
        }
        elements.push(Value::Object(element));
        elements.len() - 1
    });
    as_object(elements.get_mut(at).expect("found or just pushed"))
}

/// A literal on `primary` is a boolean, any other stays text (`mapping.md 2.2` step 3).
fn filter_literal(filter: &PathFilter, style: &Style) -> Value {
    let truth = parse_boolean(filter.literal()).filter(|_| filter.is_on_primary());
    match (truth, style.roles_style) {
        (Some(truth), RolesStyle::Boolean) => Value::Bool(truth),
        (_, _) => Value::from(filter.literal()),
    }
}

/// A resource with its members in the order of `wire.md 3.1`: three names lead, extensions close, the rest stands
/// by name.
fn resource_in_order(resource: Map<String, Value>) -> Value {
    in_order(resource, |name| match name {
        "schemas" => 0,
        "externalId" => 1,
        "userName" => 2,
        _ if name.contains(':') => 4,
        _ => 3,
    })
}

/// The value of a member: in entries `primary` and `type` lead, in `name` it is `formatted`.
fn member_in_order(member: &str, value: Value) -> Value {
    match value {
        Value::Object(object) if member == "name" => in_order(object, |name| u8::from(name != "formatted")),
        Value::Object(object) => in_order(object, |name| match name {
            "primary" => 0,
            "type" => 1,
            _ => 2,
        }),
        Value::Array(elements) => elements.into_iter().map(|element| member_in_order("", element)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

/// Members sorted by a rank, and by name within one rank.
fn in_order(object: Map<String, Value>, rank: fn(&str) -> u8) -> Value {
    let mut members: Vec<_> = object.into_iter().collect();
    members.sort_by(|(a, _), (b, _)| rank(a).cmp(&rank(b)).then_with(|| a.cmp(b)));
    members.into_iter().map(|(name, value)| (name.clone(), member_in_order(&name, value))).collect()
}
