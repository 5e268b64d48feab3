//! Where a job's secret token comes from. The token itself never reaches a log, a state file or an error text.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// The most bytes a token file may have. Tokens are issued in tens to hundreds of bytes, the longest signed ones in
/// a few thousand; a larger file is not a token, and no server takes such a header.
pub const TOKEN_FILE_BYTES_MAX: u64 = 16 * 1024;

/// Where the secret token is. It is sent as `Authorization: Bearer …` (`wire.md 1.3`).
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// In the environment variable of this name.
    Env(String),
    /// In this file, as its only content; white space around it is ignored.
    File(PathBuf),
    /// In the configuration itself.
    Value(SecretString),
}

/// Why there is no token. No message repeats any part of it.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The environment variable is not set, or not valid Unicode.
    #[error("the environment variable `{0}` is not set")]
    EnvUnset(String),
    /// The file can not be read.
    #[error("can not read the token file `{}`", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The file is larger than [`TOKEN_FILE_BYTES_MAX`].
    #[error("the token file `{}` is larger than {TOKEN_FILE_BYTES_MAX} bytes", .0.display())]
    FileTooLarge(PathBuf),
    /// Nothing but white space.
    #[error("the token is empty")]
    Empty,
    /// White space inside, a control character or something else that can not stand in a header.
    #[error("the token holds a character that can not stand in an HTTP header")]
    Characters,
    /// `Bearer …`: the word is added when the token is sent (`wire.md 1.3`).
    #[error("the token begins with the word `Bearer`, which is added when it is sent")]
    Scheme,
}

impl TokenSource {
    /// The token, with white space around it removed. `env` gives the value of an environment variable.
    pub fn resolve(&self, env: &dyn Fn(&str) -> Option<String>) -> Result<SecretString, TokenError> {
        let text = match self {
            Self::Env(name) => {
                SecretString::from(env(name).ok_or_else(|| TokenError::EnvUnset(name.clone()))?)
            }
            Self::File(path) => read(path)?,
            Self::Value(token) => token.clone(),
        };
        let token = text.expose_secret().trim();
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if token.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) {
            return Err(TokenError::Scheme);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Characters);
        }
        Ok(SecretString::from(token.to_owned()))
    }
}

fn read(path: &PathBuf) -> Result<SecretString, TokenError> {
    let fail = |error| TokenError::File(path.clone(), error);
    let file = File::open(path).map_err(fail)?;
    let mut text = String::new();
    file.take(TOKEN_FILE_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(fail)?;
    match u64::try_from(text.len()) {
        Ok(bytes) if bytes <= TOKEN_FILE_BYTES_MAX => Ok(SecretString::from(text)),
        _ => Err(TokenError::FileTooLarge(path.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(source: &TokenSource) -> Result<String, String> {
        let env = |name: &str| (name == "SCIM_TOKEN").then(|| " abc.def\n".to_owned());
        source.resolve(&env).map(|token| token.expose_secret().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_comes_from_the_environment_a_file_or_the_configuration_without_blanks_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        std::fs::write(&path, "abc.def\r\n").unwrap();
        for source in [
            TokenSource::Env("SCIM_TOKEN".to_owned()),
            TokenSource::File(path),
            TokenSource::Value(SecretString::from("abc.def")),
        ] {
            assert_eq!(resolve(&source), Ok("abc.def".to_owned()), "{source:?}");
        }
    }

    #[test]
    fn what_can_not_be_sent_as_a_token_is_refused_without_being_repeated() {
        let value = |text: &str| resolve(&TokenSource::Value(SecretString::from(text)));
        for (text, expected) in [
            ("", "the token is empty"),
            (" \n", "the token is empty"),
            ("s3cr3t s3cr3t", "the token holds a character that can not stand in an HTTP header"),
            ("s3cr3t\u{e9}", "the token holds a character that can not stand in an HTTP header"),
            ("Bearer s3cr3t", "the token begins with the word `Bearer`, which is added when it is sent"),
        ] {
            assert_eq!(value(text), Err(expected.to_owned()));
        }
        let unset = resolve(&TokenSource::Env("OTHER".to_owned()));
        assert_eq!(unset, Err("the environment variable `OTHER` is not set".to_owned()));
    }

    #[test]
    fn a_token_file_is_read_up_to_its_limit_and_no_further() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let limit = usize::try_from(TOKEN_FILE_BYTES_MAX).unwrap();
        std::fs::write(&path, "x".repeat(limit)).unwrap();
        assert_eq!(resolve(&TokenSource::File(path.clone())).map(|token| token.len()), Ok(limit));
        std::fs::write(&path, "x".repeat(limit + 1)).unwrap();
        assert!(resolve(&TokenSource::File(path)).unwrap_err().contains("larger than 16384 bytes"));
    }

    #[test]
    fn a_token_is_not_printed_by_debug() {
        assert!(!format!("{:?}", TokenSource::Value(SecretString::from("s3cr3t"))).contains("s3cr3t"));
    }
}
