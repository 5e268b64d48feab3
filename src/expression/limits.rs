//! Every limit of the expression language. Microsoft documents only the first; the others keep a hostile or
//! mistaken expression from taking the machine with it and lie far above anything published.

/// Longest expression, in characters (`known-issues`, `mapping.md 6.2`). A longer one is a parse error.
pub const EXPRESSION_CHARACTERS_MAX: usize = 10_000;

/// Deepest nesting of function calls, in levels. One more is a parse error; it bounds the stack of every later walk.
pub const NESTING_MAX: usize = 100;

/// Most mistakes reported for one expression; later ones are dropped.
pub const PARSE_ERRORS_MAX: usize = 50;

/// Most steps of one evaluation: a node visited or a list value worked on is one. One more is an evaluation error.
pub const EVALUATION_STEPS_MAX: u32 = 100_000;

/// Most values in a list that a function yields. One more is an evaluation error.
pub const LIST_VALUES_MAX: usize = 10_000;

/// Largest value a function yields, in bytes of UTF-8 over all its texts. One more is an evaluation error.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

/// Most entries of a trace; an evaluation goes on without recording more.
pub const TRACE_ENTRIES_MAX: usize = 1_000;

/// Longest regular expression, in characters; it may come from an attribute. A longer one is an evaluation error.
pub const REGEX_PATTERN_CHARACTERS_MAX: usize = 10_000;

/// Largest compiled part of a regular expression, in bytes. A larger one is an evaluation error.
pub const REGEX_PROGRAM_BYTES_MAX: usize = 1 << 20;

/// Most instructions of a regular expression with look-around or back-references. More are an evaluation error.
pub const REGEX_PROGRAM_INSTRUCTIONS_MAX: usize = 5_000;

/// Most backtracking steps of one search. More are an evaluation error.
pub const REGEX_BACKTRACKS_MAX: usize = 100_000;

/// Most matches that one `Replace` replaces in one text. More are an evaluation error.
pub const REGEX_MATCHES_MAX: usize = 10_000;

/// Longest text that a regular expression searches, in bytes of UTF-8. A longer one is an evaluation error.
pub const REGEX_TEXT_BYTES_MAX: usize = 1 << 16;

/// Longest text that `RandomString` makes, in characters (`mapping.md 7.33`). A longer one is an evaluation error.
pub const RANDOM_STRING_CHARACTERS_MAX: usize = 256;
