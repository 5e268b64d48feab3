//! Masking secrets in whatever is written down: the journal, logs, exports, error texts.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

/// What stands where a secret was.
pub const MASK: &str = "****";

/// Headers whose values are credentials whoever sends them, known to us or not.
const HEADERS_MASKED: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "set-cookie"];

/// Masks every occurrence of a job's secrets, as they are or in any mixture of percent and JSON escapes, so that a
/// target that echoes one in an error text or a URL does not spread it (contract 3). Copies share what they know.
#[derive(Clone)]
pub struct Redactor(Arc<RwLock<Known>>);

/// How many of the secrets that came up while running are kept: access tokens replace each other, and one that was
/// replaced so often has long expired.
const LEARNT_MAX: usize = 32;

struct Known {
    /// Those of the configuration.
    given: Vec<SecretString>,
    /// Those that came up while running, the oldest first; at most [`LEARNT_MAX`].
    learnt: VecDeque<SecretString>,
}

impl Redactor {
    /// A redactor for these secrets; blank ones are passed over.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let given = secrets.into_iter().filter(|secret| !is_blank(secret)).collect();
        Self(Arc::new(RwLock::new(Known { given, learnt: VecDeque::new() })))
    }

    /// From now on masks this one too, an access token for example.
    pub fn learn(&self, secret: SecretString) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.all().any(|one| one.expose_secret() == secret.expose_secret());
        if is_known || is_blank(&secret) {
            return;
        }
        if LEARNT_MAX <= known.learnt.len() {
            known.learnt.pop_front();
        }
        known.learnt.push_back(secret);
    }

    /// The text without secrets; borrowed when it held none.
    pub fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut masked = String::new();
        let (mut kept_from, mut at) = (0, 0);
        while at < text.len() {
            if let Some(end) = known.longest_at(text.as_bytes(), at) {
                masked.push_str(text.get(kept_from..at).unwrap_or_default());
                masked.push_str(MASK);
                (kept_from, at) = (end, end);
            } else {
                at = at.saturating_add(1);
            }
        }
        if kept_from == 0 {
            return Cow::Borrowed(text);
        }
        masked.push_str(text.get(kept_from..).unwrap_or_default());
        Cow::Owned(masked)
    }

    /// The value with secrets masked in every text, member name and number.
    pub fn redact_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text).into_owned()),
            Value::Array(items) => items.into_iter().map(|item| self.redact_json(item)).collect(),
            Value::Object(members) => {
                let mask = |(name, member): (String, Value)| {
                    (self.redact(&name).into_owned(), self.redact_json(member))
                };
                Value::Object(members.into_iter().map(mask).collect::<Map<_, _>>())
            }
            Value::Number(number) => match self.redact(&number.to_string()) {
                Cow::Borrowed(_) => Value::Number(number),
                Cow::Owned(masked) => Value::String(masked),
            },
            Value::Null | Value::Bool(_) => value,
        }
    }

    /// A header's value as it may be written down: nothing of a credential, else without secrets.
    pub fn redact_header(&self, name: &str, value: &str) -> String {
        if HEADERS_MASKED.iter().any(|masked| name.eq_ignore_ascii_case(masked)) {
            return MASK.to_owned();
        }
        self.redact(value).into_owned()
    }
}

impl Known {
    fn all(&self) -> impl Iterator<Item = &SecretString> {
        self.given.iter().chain(&self.learnt)
    }

    fn longest_at(&self, text: &[u8], start: usize) -> Option<usize> {
        self.all().filter_map(|secret| end_of_secret(text, start, secret.expose_secret())).max()
    }
}

fn is_blank(secret: &SecretString) -> bool {
    secret.expose_secret().trim().is_empty()
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Redactor({} secrets)", known.all().count())
    }
}

/// Where an occurrence of `secret` that begins at `start` ends, however each of its characters is written.
fn end_of_secret(text: &[u8], start: usize, secret: &str) -> Option<usize> {
    let begins = text.get(start)?;
    if !matches!(begins, b'\\' | b'%' | b'+') && secret.as_bytes().first() != Some(begins) {
        return None;
    }
    // A character may be read in two ways (`\\` as itself twice or as an escape): follow every reading.
    let mut ends = vec![start];
    for character in secret.chars() {
        let mut next = Vec::new();
        for end in ends {
            for end in ends_of_character(text, end, character).into_iter().flatten() {
                if !next.contains(&end) {
                    next.push(end);
                }
            }
        }
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.into_iter().max()
}

/// Where `character` ends when it is written at `start`: as it is, in JSON, in a URL.
fn ends_of_character(text: &[u8], start: usize, character: char) -> [Option<usize>; 4] {
    let rest = text.get(start..).unwrap_or_default();
    let mut utf8 = [0; 4];
    let bytes = character.encode_utf8(&mut utf8).as_bytes();
    let raw = rest.starts_with(bytes).then_some(bytes.len());
    let [json_short, json_hex, url] = match rest.first() {
        Some(b'\\') => [json_short_escape(rest, character), json_hex_escape(rest, character), None],
        Some(b'%') => [None, None, percent_escape(rest, bytes)],
        Some(b'+') if character == ' ' => [None, None, Some(1)],
        Some(_) | None => [None; 3],
    };
    [raw, json_short, json_hex, url].map(|length| start.checked_add(length?))
}

fn json_short_escape(rest: &[u8], character: char) -> Option<usize> {
    let meant = match rest.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        plain @ (b'"' | b'\\' | b'/') => char::from(*plain),
        _ => return None,
    };
    (meant == character).then_some(2)
}

fn json_hex_escape(rest: &[u8], character: char) -> Option<usize> {
    let mut units = [0; 2];
    let mut length = 0_usize;
    for unit in character.encode_utf16(&mut units) {
        let escape = rest.get(length..length.checked_add(6)?)?;
        let digits = escape.strip_prefix(b"\\u")?;
        (hex(digits)? == u32::from(*unit)).then_some(())?;
        length = length.checked_add(6)?;
    }
    Some(length)
}

fn percent_escape(rest: &[u8], bytes: &[u8]) -> Option<usize> {
    let mut length = 0_usize;
    for byte in bytes {
        let escape = rest.get(length..length.checked_add(3)?)?;
        let digits = escape.strip_prefix(b"%")?;
        (hex(digits)? == u32::from(*byte)).then_some(())?;
        length = length.checked_add(3)?;
    }
    Some(length)
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0_u32, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|secret| SecretString::from(*secret)))
    }

    #[test]
    fn a_secret_is_masked_in_every_written_form() {
        let cases = [
            ("s3cret", "token s3cret, again s3cret", "token ****, again ****"),
            ("s3cret", "nothing here", "nothing here"),
            ("s3cret", "s3cre", "s3cre"),
            ("a b/c+d=", "?token=a%20b%2Fc%2bd%3D&x=1", "?token=****&x=1"),
            ("a b/c+d=", "?token=a+b/c%2Bd=&x=1", "?token=****&x=1"),
            ("a b/c+d=", r#""a b\/c\u002Bd\u003d""#, r#""****""#),
            (r#"q"b\s"#, r#"{"echo":"q\"b\\s"}"#, r#"{"echo":"****"}"#),
            (r#"q"b\s"#, r#"plain q"b\s."#, "plain ****."),
            (r"a\\b", r"a\\b|a\\\\b", "****|****"),
            ("schlüssel😀", "schlüssel😀 schl%C3%BCssel%F0%9F%98%80", "**** ****"),
            ("schlüssel😀", r"schl\u00fcssel\uD83D\ude00!", "****!"),
            ("line\nbreak", r"line\nbreak", "****"),
            ("s3cret", "über s3cret für", "über **** für"),
            ("s3cret", "broken %7 \\u00 s3cret%", "broken %7 \\u00 ****%"),
        ];
        for (secret, text, wanted) in cases {
            assert_eq!(redactor(&[secret]).redact(text), wanted, "secret `{secret}` in `{text}`");
        }
    }

    /// `character` in the `way`-th of its forms.
    fn written(character: char, way: usize) -> String {
        let (mut utf8, mut utf16) = ([0; 4], [0; 2]);
        let bytes = character.encode_utf8(&mut utf8).bytes();
        let units = character.encode_utf16(&mut utf16).iter();
        let forms = match way {
            0 => vec![character.to_string()],
            1 => bytes.map(|byte| format!("%{byte:02X}")).collect(),
            2 => bytes.map(|byte| format!("%{byte:02x}")).collect(),
            3 => units.map(|unit| format!("\\u{unit:04x}")).collect(),
            _ => vec![serde_json::to_string(&character).unwrap().trim_matches('"').to_owned()],
        };
        if character == '"' && way == 4 { "\\\"".to_owned() } else { forms.concat() }
    }

    proptest::proptest! {
        #[test]
        fn any_mixture_of_forms_is_masked(secret in "[ -~äß€😀]{0,12}[!-~]", ways in proptest::collection::vec(0_usize..5, 13)) {
            let text: String = secret.chars().zip(&ways).map(|(character, way)| written(character, *way)).collect();
            let masked = redactor(&[&secret]).redact(&format!("\u{1}{text}\u{1}")).into_owned();
            proptest::prop_assert_eq!(masked, "\u{1}****\u{1}");
        }
    }

    #[test]
    fn the_longer_of_two_secrets_wins_and_blank_ones_do_not_count() {
        assert_eq!(redactor(&["abc", "abcdef", "", " "]).redact("xabcdefabc y"), "x******** y");
        assert_eq!(redactor(&[]).redact("a b"), "a b");
    }

    #[test]
    fn json_is_masked_in_texts_names_and_numbers() {
        let value = json!({"detail": "bad token 4711", "4711": [4711, 47_112, 1, null, true, {"x": "4711"}]});
        let wanted =
            json!({"detail": "bad token ****", "****": ["****", "****2", 1, null, true, {"x": "****"}]});
        assert_eq!(redactor(&["4711"]).redact_json(value), wanted);
    }

    #[test]
    fn credentials_in_headers_are_masked_whether_known_or_not() {
        let redactor = redactor(&["s3cret"]);
        assert_eq!(redactor.redact_header("AUTHORIZATION", "Basic abc"), "****");
        assert_eq!(redactor.redact_header("Set-Cookie", "sid=1"), "****");
        assert_eq!(redactor.redact_header("X-Echo", "Bearer s3cret"), "Bearer ****");
        assert_eq!(redactor.redact_header("ETag", "W/\"1\""), "W/\"1\"");
    }

    #[test]
    fn what_is_learnt_is_masked_by_every_copy_and_the_oldest_make_room() {
        let redactor = redactor(&["s3cret"]);
        let copy = redactor.clone();
        for number in 0..=LEARNT_MAX {
            copy.learn(SecretString::from(format!("<token {number}>")));
            copy.learn(SecretString::from(format!("<token {number}>")));
        }
        copy.learn(SecretString::from(" "));
        let last = format!("<token {LEARNT_MAX}>");
        assert_eq!(redactor.redact(&format!("s3cret <token 1> {last}")), "**** **** ****");
        assert_eq!(redactor.redact("<token 0>"), "<token 0>");
    }

    #[test]
    fn printing_a_redactor_shows_no_secret() {
        assert_eq!(format!("{:?}", redactor(&["s3cret"])), "Redactor(1 secrets)");
    }
}
