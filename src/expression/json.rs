//! The tree of `attributeMappingSource` objects (`mapping.md 6.12 and 10`, `graph-api.md 7 and 8.1`).

use serde_json::{Map, Value as Json, json};

use super::ParseOptions;
use super::catalogue::{self, FunctionInfo};
use super::error::ParseError;
use super::limits::NESTING_MAX;
use super::node::{Call, Node, NodeKind, Operator, quote};
use super::parser::is_word;

/// The object for `node` and all below it.
pub(super) fn to_json(node: &Node) -> Json {
    let (kind, name, parameters) = match &node.kind {
        NodeKind::Attribute(name) => ("Attribute", name.as_str(), Vec::new()),
        NodeKind::Constant(constant) => ("Constant", constant.text.as_str(), Vec::new()),
        NodeKind::Word(word) => ("Constant", word.as_str(), Vec::new()),
        NodeKind::Call(call) => ("Function", call.function.name, call_parameters(call)),
        // No published tree holds a comparison; this form keeps both sides readable.
        NodeKind::Comparison(comparison) => (
            "Function",
            comparison.operator.as_str(),
            vec![parameter("left", &comparison.left), parameter("right", &comparison.right)],
        ),
    };
    json!({ "expression": node.canonical(), "name": name, "parameters": parameters, "type": kind })
}

/// Omitted arguments have no entry.
fn call_parameters(call: &Call) -> Vec<Json> {
    let arguments = call.arguments.iter().enumerate();
    arguments
        .filter_map(|(place, argument)| {
            Some(parameter(call.function.parameter(place)?.key, argument.as_ref()?))
        })
        .collect()
}

fn parameter(key: &str, value: &Node) -> Json {
    json!({ "key": key, "value": to_json(value) })
}

/// The expression's text in `source`: its `expression` when there is one, else rebuilt from the tree (`mapping.md 10`).
pub(super) fn text_of(source: &Json, options: &ParseOptions<'_>) -> Result<String, ParseError> {
    let mut text = String::new();
    write_source(source, options, 0, &mut text)?;
    Ok(text)
}

fn write_source(
    source: &Json,
    options: &ParseOptions<'_>,
    depth: usize,
    text: &mut String,
) -> Result<(), ParseError> {
    if NESTING_MAX < depth {
        return Err(error(format!("functions are nested deeper than {NESTING_MAX} levels")));
    }
    let Json::Object(source) = source else {
        return Err(error("a mapping source must be an object"));
    };
    let kind = match source.get("type") {
        None => "Attribute",
        Some(Json::String(kind)) if ["Attribute", "Constant", "Function"].contains(&kind.as_str()) => kind,
        Some(other) => return Err(error(format!("unknown type {other} of a mapping source"))),
    };
    if let Some(expression) = member(source, "expression") {
        text.push_str(expression);
        return Ok(());
    }
    let name =
        member(source, "name").ok_or_else(|| error("a mapping source has neither expression nor name"))?;
    match kind {
        "Constant" if is_word(name) => text.push_str(name),
        "Constant" => quote(name, text),
        "Function" => write_function(name, parameters(source)?, options, depth, text)?,
        _ => {
            text.push('[');
            text.push_str(name);
            text.push(']');
        }
    }
    Ok(())
}

/// A member that is a text and not empty.
fn member<'s>(source: &'s Map<String, Json>, name: &str) -> Option<&'s str> {
    source.get(name).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// The keys and values of a function's `parameters`.
fn parameters(source: &Map<String, Json>) -> Result<Vec<(&str, &Json)>, ParseError> {
    let Some(list) = source.get("parameters").filter(|list| !list.is_null()) else {
        return Ok(Vec::new());
    };
    let entries = list.as_array().ok_or_else(|| error("`parameters` must be a list"))?;
    entries
        .iter()
        .map(|entry| {
            let key = entry.get("key").and_then(Json::as_str);
            key.zip(entry.get("value")).ok_or_else(|| error("a parameter needs `key` and `value`"))
        })
        .collect()
}

fn write_function(
    name: &str,
    parameters: Vec<(&str, &Json)>,
    options: &ParseOptions<'_>,
    depth: usize,
    text: &mut String,
) -> Result<(), ParseError> {
    let depth = depth.saturating_add(1);
    if let (Some(operator), [(_, left), (_, right)]) =
        (Operator::ALL.into_iter().find(|operator| operator.as_str() == name), parameters.as_slice())
    {
        write_source(left, options, depth, text)?;
        text.push(' ');
        text.push_str(operator.as_str());
        text.push(' ');
        return write_source(right, options, depth, text);
    }
    let function =
        catalogue::find(name, options).ok_or_else(|| error(format!("unknown function `{name}`")))?;
    text.push_str(name);
    text.push('(');
    for (place, argument) in places(function, parameters)?.into_iter().enumerate() {
        if 0 < place {
            text.push_str(", ");
        }
        if let Some(argument) = argument {
            write_source(argument, options, depth, text)?;
        }
    }
    text.push(')');
    Ok(())
}

/// The arguments at their places: each key names its own, and a repeated key the next free one.
fn places<'s>(
    function: &FunctionInfo,
    parameters: Vec<(&str, &'s Json)>,
) -> Result<Vec<Option<&'s Json>>, ParseError> {
    let mut places: Vec<Option<&Json>> = Vec::new();
    for (key, value) in parameters {
        let formal = function
            .parameters
            .iter()
            .position(|parameter| parameter.key == key)
            .ok_or_else(|| error(format!("`{}` has no parameter `{key}`", function.name)))?;
        if formal.saturating_add(1) == function.parameters.len() {
            // The last parameter may repeat; before it every other place exists, be it empty.
            places.resize(places.len().max(formal), None);
            places.push(Some(value));
        } else {
            places.resize(places.len().max(formal.saturating_add(1)), None);
            if let Some(slot) = places.get_mut(formal) {
                *slot = Some(value);
            }
        }
    }
    // Omitted required places stay visible to the parser, which reports them.
    places.resize(places.len().max(function.arguments_min()), None);
    Ok(places)
}

fn error(message: impl Into<String>) -> ParseError {
    ParseError { message: message.into(), start: 0, length: 0 }
}
