//! Reads the project's Rust sources for the tests that judge them: comments blanked, offsets and lines kept.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The project's folder, as cargo names it when it runs a test; several clones may share one build.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into()).into()
    })
}

/// One Rust file. Both views have the length and the lines of the file, so an offset in one holds in the other.
pub(crate) struct Source {
    /// Path from the project's folder, with `/`.
    pub(crate) path: String,
    /// The text, comments blanked.
    pub(crate) code: String,
    /// The text, comments and the insides of string and character literals blanked.
    pub(crate) bare: String,
}

impl Source {
    /// The source in `text`, said to lie at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let (code, bare) = blank(text);
        Self { path: path.to_owned(), code, bare }
    }
}

/// The Rust files under `folder` (a path from the project's folder), sorted by path.
pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    files(&root().join(folder), &|_| true)
        .iter()
        .filter(|path| Path::new(path).extension().is_some_and(|extension| extension == "rs"))
        .map(|path| Source::new(path, &std::fs::read_to_string(root().join(path)).unwrap()))
        .collect()
}

/// All files under `folder`, as sorted paths from the project's folder; only folders that `enter` allows are entered.
pub(crate) fn files(folder: &Path, enter: &dyn Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = relative(&path);
            if !path.is_dir() {
                found.push(name);
            } else if enter(&name) {
                folders.push(path);
            }
        }
    }
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    let parts: Vec<_> =
        path.strip_prefix(root()).unwrap().iter().map(|part| part.to_str().unwrap()).collect();
    parts.join("/")
}

/// Where a file's module stands: `scope::filter` for `src/scope/filter.rs`, `it::laws` for `tests/it/laws.rs`.
pub(crate) fn module_of(path: &str) -> String {
    let path = path.strip_prefix("src/").or(path.strip_prefix("tests/")).unwrap_or(path);
    let mut parts: Vec<_> = path.trim_end_matches(".rs").split('/').collect();
    if matches!(parts.last(), Some(&("main" | "lib"))) {
        parts.pop();
    }
    parts.join("::")
}

/// The text with comments blanked, and with comments and literals blanked.
fn blank(text: &str) -> (String, String) {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let (mut code, mut bare) = (String::new(), String::new());
    let mut index = 0;
    while index < chars.len() {
        let (end, kind) = match (at(index), at(index + 1)) {
            ('/', '/') => (find(&chars, index, |i| at(i) == '\n'), Kind::Comment),
            ('/', '*') => (block_comment_end(&chars, index), Kind::Comment),
            ('"', _) => (string_end(&chars, index), Kind::Literal),
            ('r', '"' | '#') if starts_raw_string(&chars, index) => {
                (raw_string_end(&chars, index), Kind::Literal)
            }
            ('\'', '\\') => (find(&chars, index + 3, |i| at(i) == '\'') + 1, Kind::Literal),
            ('\'', _) if at(index + 2) == '\'' => (index + 3, Kind::Literal),
            _ => (index + 1, Kind::Code),
        };
        let end = end.min(chars.len());
        for (place, &char) in chars.iter().enumerate().take(end).skip(index) {
            let edge = place == index || place + 1 == end;
            push(&mut code, char, kind != Kind::Comment);
            push(&mut bare, char, kind == Kind::Code || (kind == Kind::Literal && edge));
        }
        index = end;
    }
    (code, bare)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

/// Appends the character or as many spaces as it has bytes; line ends always stay.
fn push(view: &mut String, char: char, keep: bool) {
    if keep || char == '\n' {
        view.push(char);
    } else {
        view.extend(std::iter::repeat_n(' ', char.len_utf8()));
    }
}

fn find(chars: &[char], from: usize, stop: impl Fn(usize) -> bool) -> usize {
    (from..chars.len()).find(|&index| stop(index)).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let (mut depth, mut index) = (0, from);
    while index < chars.len() {
        match (chars[index], chars.get(index + 1)) {
            ('/', Some('*')) => depth += 1,
            ('*', Some('/')) => depth -= 1,
            _ => {
                index += 1;
                continue;
            }
        }
        index += 2;
        if depth == 0 {
            break;
        }
    }
    index
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut index = from + 1;
    while index < chars.len() && chars[index] != '"' {
        index += if chars[index] == '\\' { 2 } else { 1 };
    }
    index + 1
}

/// Whether the `r` at `index` opens a raw string: not the end of a name, and `#`s then a quote follow.
fn starts_raw_string(chars: &[char], index: usize) -> bool {
    let in_name = |index: usize| chars[index].is_alphanumeric() || chars[index] == '_';
    let prefix = match index.checked_sub(1) {
        Some(before) if matches!(chars[before], 'b' | 'c') => before.checked_sub(1),
        before => before,
    };
    !prefix.is_some_and(in_name) && chars.get(find(chars, index + 1, |i| chars[i] != '#')) == Some(&'"')
}

fn raw_string_end(chars: &[char], from: usize) -> usize {
    let quote = find(chars, from + 1, |i| chars[i] != '#');
    let hashes = quote - from - 1;
    let closes =
        |i: usize| chars[i] == '"' && chars[i + 1..].iter().take_while(|&&c| c == '#').count() >= hashes;
    find(chars, quote + 1, closes) + 1 + hashes
}
