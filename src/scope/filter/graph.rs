//! Filters as Graph's `filter` objects (`graph-api.md 7`).

use serde_json::{Value as Json, json};

use super::{ClauseError, Filter, FilterClause, FilterGroup, FilterOptions};

/// A mistake in a filter and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter `{group}`, clause {clause}: {error}")]
pub struct FilterError {
    /// Title of the group, or the collection's name when there is no group to name.
    pub group: String,
    /// Number of the clause in its group, from 1; 0 for the group itself.
    pub clause: usize,
    /// What is wrong.
    pub error: FilterMistake,
}

/// What is wrong with a filter in JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterMistake {
    /// The clause itself.
    #[error(transparent)]
    Clause(#[from] ClauseError),
    /// The JSON has another shape than Graph's.
    #[error("expected {0}")]
    Shape(&'static str),
}

impl Filter {
    /// Reads a `filter` object; null is a filter that lets everything pass. Returns every mistake found.
    pub fn from_graph_json(filter: &Json, options: &FilterOptions<'_>) -> Result<Self, Vec<FilterError>> {
        let mut errors = Vec::new();
        if !filter.is_null() && !filter.is_object() {
            let error = FilterMistake::Shape("an object");
            errors.push(FilterError { group: "scope".to_owned(), clause: 0, error });
        }
        let read = Self {
            groups: groups(filter, "groups", options, &mut errors),
            input_filter_groups: groups(filter, "inputFilterGroups", options, &mut errors),
            category_filter_groups: groups(filter, "categoryFilterGroups", options, &mut errors),
        };
        if errors.is_empty() { Ok(read) } else { Err(errors) }
    }

    /// The `filter` object.
    pub fn to_graph_json(&self) -> Json {
        json!({
            "categoryFilterGroups": groups_json(&self.category_filter_groups),
            "groups": groups_json(&self.groups),
            "inputFilterGroups": groups_json(&self.input_filter_groups),
        })
    }
}

fn groups_json(groups: &[FilterGroup]) -> Vec<Json> {
    let clause = |clause: &FilterClause| {
        let values: Vec<&str> = clause.operand().into_iter().collect();
        json!({
            "operatorName": clause.operator().api_name(),
            "sourceOperandName": clause.attribute(),
            "targetOperand": { "values": values },
        })
    };
    let group = |group: &FilterGroup| json!({ "clauses": group.clauses.iter().map(clause).collect::<Vec<Json>>(), "name": group.name });
    groups.iter().map(group).collect()
}

fn groups(
    filter: &Json,
    collection: &str,
    options: &FilterOptions<'_>,
    errors: &mut Vec<FilterError>,
) -> Vec<FilterGroup> {
    let list = match filter.get(collection) {
        None | Some(Json::Null) => return Vec::new(),
        Some(Json::Array(list)) => list,
        Some(_) => {
            let error = FilterMistake::Shape("a list of filter groups");
            errors.push(FilterError { group: collection.to_owned(), clause: 0, error });
            return Vec::new();
        }
    };
    list.iter().map(|group| read_group(group, options, errors)).collect()
}

/// A group without clauses lets everything pass, so a misread one must not look like it.
fn read_group(group: &Json, options: &FilterOptions<'_>, errors: &mut Vec<FilterError>) -> FilterGroup {
    let name = group.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
    let mut mistake = |clause, error| {
        errors.push(FilterError { group: name.clone(), clause, error });
    };
    let mut clauses = Vec::new();
    match group.get("clauses") {
        Some(Json::Array(list)) => {
            for (number, clause) in (1..).zip(list) {
                match read_clause(clause, options) {
                    Ok(clause) => clauses.push(clause),
                    Err(error) => mistake(number, error),
                }
            }
        }
        Some(_) | None => mistake(0, FilterMistake::Shape("a list of clauses")),
    }
    FilterGroup { name, clauses }
}

fn read_clause(clause: &Json, options: &FilterOptions<'_>) -> Result<FilterClause, FilterMistake> {
    let text = |member: &str| clause.get(member).and_then(Json::as_str);
    let attribute = text("sourceOperandName").ok_or(FilterMistake::Shape("`sourceOperandName`"))?;
    let operator = text("operatorName").ok_or(FilterMistake::Shape("`operatorName`"))?;
    let values = match clause.get("targetOperand").and_then(|operand| operand.get("values")) {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<Vec<String>>>()
            .ok_or(FilterMistake::Shape("texts as values"))?,
        Some(_) => return Err(FilterMistake::Shape("a list of values")),
    };
    Ok(FilterClause::new(attribute, operator, &values, options)?)
}
