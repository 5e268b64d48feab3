//! The one table of functions: names, formal parameters, number of arguments, implementation (`mapping.md 7`).

use super::ParseOptions;
use super::dotnet::date_format::names_styles;
use super::error::EvaluationError;
use super::evaluate::{Arguments, Flow, Machine};
use super::functions::{adjacent, dates, generate, list, logic, replace, roles, text};
use super::node::Node;
use super::value::Datum;

/// One function of the language.
#[derive(Debug)]
pub struct FunctionInfo {
    /// Its name; letter case matters.
    pub name: &'static str,
    /// Formal parameters in order; the last one or two may repeat.
    pub parameters: &'static [ParameterInfo],
    /// Whether it is one of the nine of `mapping.md 7.45`, unknown unless
    /// [`ParseOptions::adjacent_functions`] is set.
    pub adjacent: bool,
    /// Whether it may not stand inside another function.
    pub(super) top_level_only: bool,
    pub(super) arity: Arity,
    /// Places that the arguments of a shorter, older form take.
    pub(super) short_form: Option<&'static [usize]>,
    /// Tells the text at the second place of the full form from that of the short one.
    pub(super) names_styles: Option<fn(&str) -> bool>,
    pub(super) implementation: Implementation,
}

impl PartialEq for FunctionInfo {
    /// Names are unique in the table.
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// A formal parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its key in the JSON tree (`mapping.md 6.12`).
    pub key: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeats: bool,
    /// Bare words it takes.
    pub words: &'static [&'static str],
}

/// What a parameter takes; other types are converted (`mapping.md 6.5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// Any value.
    Any,
    /// A text.
    Text,
    /// A 64-bit integer.
    Integer,
    /// A date, or text that reads as one.
    Date,
    /// A list; a single value is a list of one.
    List,
    /// A comparison or a truth value.
    Condition,
    /// `[appRoleAssignments]`.
    Roles,
}

impl ParameterKind {
    /// The attribute type by which Graph's `functions` call names it (`graph-api.md 8.2`).
    pub fn graph_type(self) -> &'static str {
        match self {
            Self::Any | Self::Text | Self::List => "String",
            Self::Integer => "Integer",
            Self::Date => "DateTime",
            Self::Condition => "Boolean",
            Self::Roles => "Reference",
        }
    }
}

/// How many arguments a function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arity {
    /// As many as there are parameters; optional ones may be missing from the end.
    Formal,
    /// The last parameter repeats; at least this many arguments in all.
    Repeating { arguments_min: usize },
    /// The last parameter repeats in pairs, at least one of them.
    Pairs,
}

/// A function that gets its arguments evaluated.
pub(super) type Strict =
    for<'v> fn(&mut Arguments<'v>, &mut Machine<'v, '_, '_>) -> Result<Datum<'v>, EvaluationError>;

/// A function that evaluates what it needs.
pub(super) type Lazy =
    for<'v> fn(&'v [Option<Node>], &mut Machine<'v, '_, '_>) -> Result<Flow<'v>, EvaluationError>;

/// What a function does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Implementation {
    Strict(Strict),
    Lazy(Lazy),
}

impl FunctionInfo {
    /// The formal parameter of the argument at `place`.
    pub(super) fn parameter(&self, place: usize) -> Option<&'static ParameterInfo> {
        match self.arity {
            Arity::Formal => self.parameters.get(place),
            Arity::Repeating { .. } | Arity::Pairs => {
                self.parameters.get(place).or_else(|| self.parameters.last())
            }
        }
    }

    /// The least number of arguments, omitted ones that are not the last counted in.
    pub(super) fn arguments_min(&self) -> usize {
        match self.arity {
            Arity::Formal => self
                .parameters
                .iter()
                .rposition(|parameter| parameter.required)
                .map_or(0, |place| place.saturating_add(1)),
            Arity::Repeating { arguments_min } => arguments_min,
            Arity::Pairs => self.parameters.len().saturating_add(1),
        }
    }
}

/// Every function, sorted by name: the 44, and the adjacent ones marked as such.
pub fn catalogue() -> &'static [FunctionInfo] {
    &FUNCTIONS
}

/// The function that `name` means under `options`.
pub(super) fn find(name: &str, options: &ParseOptions<'_>) -> Option<&'static FunctionInfo> {
    FUNCTIONS
        .iter()
        .find(|function| {
            function.name == name || (options.any_function_case && function.name.eq_ignore_ascii_case(name))
        })
        .filter(|function| options.adjacent_functions || !function.adjacent)
}

const fn required(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo { key, kind, required: true, repeats: false, words: &[] }
}

const fn optional(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo { required: false, ..required(key, kind) }
}

const fn repeating(key: &'static str, kind: ParameterKind) -> ParameterInfo {
    ParameterInfo { repeats: true, ..required(key, kind) }
}

const fn strict(
    name: &'static str,
    parameters: &'static [ParameterInfo],
    implementation: Strict,
) -> FunctionInfo {
    FunctionInfo {
        name,
        parameters,
        adjacent: false,
        top_level_only: false,
        arity: Arity::Formal,
        short_form: None,
        names_styles: None,
        implementation: Implementation::Strict(implementation),
    }
}

const fn lazy(
    name: &'static str,
    parameters: &'static [ParameterInfo],
    implementation: Lazy,
) -> FunctionInfo {
    FunctionInfo {
        implementation: Implementation::Lazy(implementation),
        ..strict(name, parameters, list::join)
    }
}

const fn adjacent_strict(
    name: &'static str,
    parameters: &'static [ParameterInfo],
    implementation: Strict,
) -> FunctionInfo {
    FunctionInfo { adjacent: true, ..strict(name, parameters, implementation) }
}

static FUNCTIONS: [FunctionInfo; 53] = {
    use ParameterKind::{Any, Condition, Date, Integer, List, Roles, Text};
    [
        strict("Append", &[required("source", Text), required("suffix", Text)], text::append),
        adjacent_strict("AppRoleAssignments", &[required("source", Roles)], roles::app_role_assignments),
        strict(
            "AppRoleAssignmentsComplex",
            &[required("source", Roles)],
            roles::app_role_assignments_complex,
        ),
        strict(
            "AssertiveAppRoleAssignmentsComplex",
            &[required("source", Roles)],
            roles::app_role_assignments_complex,
        ),
        strict("BitAnd", &[required("value1", Integer), required("value2", Integer)], logic::bit_and),
        strict("CBool", &[required("Expression", Condition)], logic::c_bool),
        strict("CDate", &[required("expression", Text)], dates::c_date),
        FunctionInfo {
            arity: Arity::Repeating { arguments_min: 1 },
            ..lazy("Coalesce", &[repeating("source", Any)], logic::coalesce)
        },
        adjacent_strict(
            "ConvertFromBase64",
            &[
                required("source", Text),
                ParameterInfo { words: &["Unicode", "ASCII", "UTF8"], ..optional("encoding", Text) },
            ],
            adjacent::convert_from_base64,
        ),
        strict("ConvertToBase64", &[required("source", Text)], text::convert_to_base64),
        strict("ConvertToUTF8Hex", &[required("source", Text)], text::convert_to_utf8_hex),
        strict("Count", &[required("attribute", List)], list::count),
        strict("CStr", &[required("value", Any)], text::c_str),
        strict(
            "DateAdd",
            &[required("interval", Text), required("value", Integer), required("dateTime", Date)],
            dates::date_add,
        ),
        strict(
            "DateDiff",
            &[required("interval", Text), required("date1", Date), required("date2", Date)],
            dates::date_diff,
        ),
        strict("DateFromNum", &[required("value", Integer)], dates::date_from_num),
        adjacent_strict("DefaultDomain", &[], adjacent::default_domain),
        adjacent_strict(
            "DNComponent",
            &[required("dn", Text), required("number", Integer)],
            adjacent::dn_component,
        ),
        adjacent_strict("Error", &[required("message", Text)], adjacent::error),
        FunctionInfo {
            short_form: Some(&[0, 2, 3]),
            names_styles: Some(names_styles),
            ..strict(
                "FormatDateTime",
                &[
                    required("source", Date),
                    optional("dateTimeStyles", Text),
                    required("inputFormat", Text),
                    required("outputFormat", Text),
                ],
                dates::format_date_time,
            )
        },
        strict("Guid", &[], generate::guid),
        lazy("IgnoreFlowIfNullOrEmpty", &[required("expression", Any)], logic::ignore_flow_if_null_or_empty),
        lazy(
            "IIF",
            &[required("condition", Condition), required("valueIfTrue", Any), required("valueIfFalse", Any)],
            logic::iif,
        ),
        strict(
            "InStr",
            &[
                required("value1", Text),
                required("value2", Text),
                optional("start", Integer),
                ParameterInfo {
                    words: &["vbBinaryCompare", "vbTextCompare"],
                    ..optional("compareType", Text)
                },
            ],
            text::in_str,
        ),
        adjacent_strict("IsNothing", &[required("source", Any)], logic::is_null),
        strict("IsNull", &[required("Expression", Any)], logic::is_null),
        strict("IsNullOrEmpty", &[required("Expression", Any)], logic::is_null_or_empty),
        strict("IsPresent", &[required("Expression", Any)], logic::is_present),
        strict("IsString", &[required("Expression", Any)], logic::is_string),
        strict("Item", &[required("attribute", List), required("index", Integer)], list::item),
        FunctionInfo {
            arity: Arity::Repeating { arguments_min: 2 },
            ..strict("Join", &[required("separator", Text), repeating("source", List)], list::join)
        },
        strict("Left", &[required("String", Text), required("NumChars", Integer)], text::left),
        strict(
            "Mid",
            &[required("source", Text), required("start", Integer), required("length", Integer)],
            text::mid,
        ),
        strict("NormalizeDiacritics", &[required("source", Text)], text::normalize_diacritics),
        strict("Not", &[required("source", Any)], logic::not),
        strict("Now", &[], dates::now_function),
        strict("NumFromDate", &[required("value", Date)], dates::num_from_date),
        strict("PCase", &[required("source", Text), optional("wordSeparators", Text)], text::p_case),
        adjacent_strict("Prepend", &[required("prefix", Text), required("source", Text)], adjacent::prepend),
        strict(
            "RandomString",
            &[
                required("Length", Integer),
                required("MinimumNumbers", Integer),
                required("MinimumSpecialCharacters", Integer),
                required("MinimumCapital", Integer),
                required("MinimumLowerCase", Integer),
                optional("CharactersToAvoid", Text),
            ],
            generate::random_string,
        ),
        strict("Redact", &[required("value", Any)], logic::redact),
        strict("RemoveDuplicates", &[required("attribute", List)], list::remove_duplicates),
        strict(
            "Replace",
            &[
                required("source", Text),
                optional("Find", Text),
                optional("RegularExpression", Text),
                optional("RegularExpressionGroupName", Text),
                optional("Replacement", Text),
                optional("ReplacementPropertyName", Text),
                optional("Template", Text),
            ],
            replace::replace,
        ),
        FunctionInfo {
            arity: Arity::Repeating { arguments_min: 2 },
            top_level_only: true,
            ..lazy("SelectUniqueValue", &[repeating("rule", Text)], logic::select_unique_value)
        },
        strict("SingleAppRoleAssignment", &[required("source", Roles)], roles::single_app_role_assignment),
        strict("Split", &[required("source", Text), required("delimiter", Text)], list::split),
        adjacent_strict("StringFromSid", &[required("value", Text)], adjacent::string_from_sid),
        strict("StripSpaces", &[required("source", Text)], text::strip_spaces),
        FunctionInfo {
            arity: Arity::Pairs,
            ..lazy(
                "Switch",
                &[required("source", Text), optional("defaultValue", Any), repeating("switchValue", Any)],
                logic::switch,
            )
        },
        strict("ToLower", &[required("source", Text), optional("culture", Text)], text::to_lower),
        strict("ToUpper", &[required("source", Text), optional("culture", Text)], text::to_upper),
        adjacent_strict("Trim", &[required("value", Text)], adjacent::trim),
        strict(
            "Word",
            &[required("String", Text), required("WordNumber", Integer), required("Delimiters", Text)],
            text::word,
        ),
    ]
};
