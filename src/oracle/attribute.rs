//! Reading an attribute of a SCIM resource by the path that a mapping writes: a small reader of its own.

use serde_json::{Map, Value};

/// A path such as `emails[type eq "work"].value` or `urn:…:User:manager`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path<'p> {
    schema: Option<&'p str>,
    name: &'p str,
    filter: Vec<(&'p str, &'p str)>,
    sub: Option<&'p str>,
}

fn parse(path: &str) -> Option<Path<'_>> {
    let (head, filter, tail) = match path.split_once('[') {
        Some((head, rest)) => {
            let (filter, tail) = rest.rsplit_once(']')?;
            (head, Some(filter), tail.strip_prefix('.'))
        }
        None => (path, None, None),
    };
    let is_urn = head.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:"));
    let (schema, rest) = match head.rsplit_once(':') {
        Some((schema, rest)) if is_urn => (Some(schema), rest),
        _ => (None, head),
    };
    let (name, sub) = match rest.split_once('.') {
        Some((name, sub)) if filter.is_none() => (name, Some(sub)),
        _ => (rest, tail),
    };
    let filter = match filter {
        Some(filter) => filter.split(" and ").map(clause).collect::<Option<Vec<_>>>()?,
        None => Vec::new(),
    };
    Some(Path { schema, name, filter, sub })
}

/// `type eq "work"`.
fn clause(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.trim().split_once(' ')?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    operator.eq_ignore_ascii_case("eq").then(|| (name, value.trim().trim_matches('"')))
}

/// A member of an object, its name in any letter case.
pub(super) fn member<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    object
        .get(name)
        .or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

/// A value as texts, the way the expression language has them: `True`, `False`; an object is its `value`.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(true) => vec!["True".to_owned()],
        Value::Bool(false) => vec!["False".to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::Object(object) => member(object, "value").map(texts).unwrap_or_default(),
    }
}

/// What a resource holds at a path; empty for nothing, and `None` for a path that this reader does not understand.
pub(super) fn read(resource: &Value, path: &str) -> Option<Vec<String>> {
    let path = parse(path)?;
    let Some(resource) = resource.as_object() else { return Some(Vec::new()) };
    let found = match path.schema {
        None => member(resource, path.name),
        Some(schema) => member(resource, schema)
            .and_then(Value::as_object)
            .and_then(|extension| member(extension, path.name))
            .or_else(|| member(resource, &format!("{schema}:{}", path.name))),
    };
    let Some(found) = found else { return Some(Vec::new()) };
    let elements = found.as_array().map_or_else(|| std::slice::from_ref(found), Vec::as_slice);
    let fits = |element: &&Value| {
        path.filter.iter().all(|(name, wanted)| {
            let held = element.as_object().and_then(|element| member(element, name)).map(texts);
            held.unwrap_or_default().iter().any(|held| held.eq_ignore_ascii_case(wanted))
        })
    };
    let chosen = elements.iter().filter(fits);
    let value = |element: &Value| match path.sub {
        Some(sub) => {
            element.as_object().and_then(|element| member(element, sub)).map(texts).unwrap_or_default()
        }
        None => texts(element),
    };
    Some(chosen.flat_map(value).filter(|text| !text.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn attributes_are_read_by_every_form_of_path() {
        const URN: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let resource = json!({
            "userName": "ada", "active": false, "name": { "givenName": "Ada" },
            "emails": [{ "type": "home", "value": "h" }, { "type": "work", "value": "w", "primary": true }],
            "members": [{ "value": "1" }, { "value": "2", "display": "x" }],
            URN: { "department": "Sales", "manager": { "value": "7" } },
            "urn:flat:2.0:User:badge": 12,
        });
        for (path, wanted) in [
            ("userName", vec!["ada"]),
            ("USERNAME", vec!["ada"]),
            ("active", vec!["False"]),
            ("name.givenName", vec!["Ada"]),
            ("name.familyName", vec![]),
            ("emails[type eq \"work\"].value", vec!["w"]),
            ("emails[primary eq \"True\"].value", vec!["w"]),
            ("emails[type eq \"other\"].value", vec![]),
            ("members", vec!["1", "2"]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", vec!["Sales"]),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", vec!["7"]),
            ("urn:flat:2.0:User:badge", vec!["12"]),
            ("nothing", vec![]),
        ] {
            assert_eq!(
                read(&resource, path),
                Some(wanted.into_iter().map(str::to_owned).collect()),
                "{path}"
            );
        }
        assert_eq!(read(&resource, "emails[type co \"w\"].value"), None);
    }
}
