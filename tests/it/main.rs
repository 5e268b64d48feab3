//! Integration tests: one binary, one module a feature.

// `cfg(test)` tells the lints that these are tests throughout.
#[cfg(test)]
mod expression;
#[cfg(test)]
mod scope_filter;
