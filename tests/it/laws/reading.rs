//! Finds names, paths and links in sources and pages.

use std::path::Path;

use crate::sources::{Source, module_of};

/// A path that begins with `crate` or `super`, from the crate's root.
pub(crate) fn resolve(own: &str, path: &str) -> String {
    let mut module: Vec<&str> = own.split("::").collect();
    let mut parts = path.split("::").peekable();
    if parts.next_if_eq(&"crate").is_some() {
        module.clear();
    }
    while parts.next_if_eq(&"super").is_some() {
        module.pop();
    }
    module.extend(parts);
    module.join("::")
}

/// Every path that begins with the name `root`, `use` trees spelt out, each with its offset.
pub(crate) fn paths(source: &Source, root: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for at in occurrences(&source.bare, &format!("{root}::")) {
        // Only a path's first name counts: `crate::http` is no path of `http`.
        if !source.bare.split_at(at).0.ends_with("::") {
            let mut spelt_out = Vec::new();
            spell_out("", source.bare.split_at(at).1, &mut spelt_out);
            found.extend(spelt_out.into_iter().map(|path| (at, path)));
        }
    }
    found
}

/// Reads one `use` tree off `text`, adds its paths, and returns what follows it.
fn spell_out<'a>(prefix: &str, text: &'a str, found: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = spell_out(prefix, rest, found);
            // Past a renaming, `as name`.
            let (_, after) = rest.split_at(rest.find([',', '}']).unwrap_or(rest.len()));
            rest = after.strip_prefix(',').unwrap_or(after).trim_start();
            if after.starts_with('}') || rest.is_empty() {
                return after.strip_prefix('}').unwrap_or(after);
            }
            if let Some(rest) = rest.strip_prefix('}') {
                return rest;
            }
        }
    }
    let (name, rest) = text.split_at(text.find(|c: char| !is_name(c) && c != '*').unwrap_or(text.len()));
    let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}::{name}") };
    match rest.strip_prefix("::") {
        Some(rest) if !rest.starts_with('<') => spell_out(&path, rest, found),
        _ => {
            found.push(path);
            rest
        }
    }
}

/// The relative links of a page, as paths from the project's folder. Code blocks are passed over.
pub(crate) fn links(page: &str, text: &str) -> Vec<String> {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let mut found = Vec::new();
    let mut in_code = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', '#', ' ']).next());
        for target in targets.filter(|target| !in_code && !target.is_empty() && !target.contains(':')) {
            let mut parts: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
            for part in target.split('/').filter(|part| !matches!(*part, "" | ".")) {
                if part == ".." {
                    parts.pop();
                } else {
                    parts.push(part);
                }
            }
            found.push(parts.join("/"));
        }
    }
    found
}

pub(crate) fn is_markdown(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "md")
}

/// Whether the file belongs to unit tests as a whole.
pub(crate) fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

/// The source with everything under `#[cfg(test)]` blanked.
pub(crate) fn without_tests(source: Source) -> Source {
    const MARK: &str = "#[cfg(test)]";
    let Source { path, mut code, mut bare } = source;
    while let Some(start) = bare.find(MARK) {
        let rest = bare.split_at(start).1;
        let end = start + item_end(rest);
        for view in [&mut code, &mut bare] {
            let blank: String = view
                .split_at(start)
                .1
                .split_at(end - start)
                .0
                .bytes()
                .map(|b| if b == b'\n' { '\n' } else { ' ' })
                .collect();
            view.replace_range(start..end, &blank);
        }
    }
    Source { path, code, bare }
}

/// How long the item at the start of `text` is: through its closing brace, or its semicolon when it has no body.
fn item_end(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Where the word stands as a whole: not as a part of a longer name.
pub(crate) fn occurrences<'a>(view: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    view.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let (before, from) = view.split_at(at);
        let after = from.split_at(word.len()).1;
        !(word.starts_with(is_name) && before.ends_with(is_name)
            || word.ends_with(is_name) && after.starts_with(is_name))
    })
}

pub(crate) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub(crate) fn is_in(source: &Source, module: &str) -> bool {
    source.path.starts_with("src/") && lies_in(&module_of(&source.path), module)
}

/// Whether `path` is `ancestor` or something inside of it.
pub(crate) fn lies_in(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}
