//! Who the client says it is.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::jwt::IssuedTokens;
use super::oauth::{AccessTokens, TokenExchange};
use super::{Answered, Network};
use crate::http::Request;

/// How requests are authorized (`wire.md 1.3`).
#[derive(Clone)]
pub enum Authorization {
    /// No `Authorization` header: only targets that ask for none answer.
    None,
    /// `Authorization: Bearer <token>` on every request.
    Bearer(BearerToken),
    /// The same header with a token that the tenant issues itself: the secret token was left blank.
    Issued(Arc<IssuedTokens>),
    /// The same header with a token that a token endpoint gives.
    Oauth(Arc<AccessTokens>),
}

/// What became of one request of the engine, with everything that had to be said on the way.
#[derive(Debug)]
pub struct Authorized {
    /// Exchanges before the one that counts: with the token endpoint, and one that a stale token spoilt.
    pub before: Vec<TokenExchange>,
    /// The request as it was sent.
    pub request: Request,
    /// What came of it.
    pub answered: Answered,
}

/// A long-lived secret token as an admin pastes it, without the word `Bearer`; never printed.
#[derive(Clone)]
pub struct BearerToken(SecretString);

/// Why a text can not be a token. The text itself is never shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// Nothing but white space.
    #[error("the secret token is empty")]
    Empty,
    /// A line break inside, a letter outside ASCII, or the like: it can not stand in a header.
    #[error("the secret token holds a character that an HTTP header can not carry (character {position})")]
    Unsendable {
        /// Where, counted in characters from 1.
        position: usize,
    },
}

impl Authorization {
    /// Puts the `Authorization` header first; one that is there already is replaced.
    ///
    /// A token that has to be asked for first is not added here but by [`Self::exchange`].
    pub fn apply(&self, request: &mut Request) {
        match self {
            Self::None | Self::Oauth(_) => {}
            Self::Bearer(token) => token.apply(request),
            Self::Issued(tokens) => tokens.current().apply(request),
        }
    }

    /// A cycle begins: what has to be renewed then is not used any more (W-016).
    pub async fn begin_cycle(&self) {
        match self {
            Self::Oauth(tokens) => tokens.begin_cycle().await,
            Self::None | Self::Bearer(_) | Self::Issued(_) => {}
        }
    }

    /// Sends a request with the right header. A 401 to a token that was kept makes a new one be asked for and the
    /// request be repeated, once: the target did nothing with it, and the token may have been revoked.
    pub async fn exchange(&self, network: &Network, mut request: Request) -> Authorized {
        let mut before = Vec::new();
        let Self::Oauth(tokens) = self else {
            self.apply(&mut request);
            let answered = network.exchange(&request).await;
            return Authorized { before, request, answered };
        };
        let mut refused = None;
        loop {
            let (token, asked) = tokens.current(network, refused.as_ref()).await;
            let is_fresh = asked.is_some();
            before.extend(asked);
            let token = match token {
                Ok(token) => token,
                Err(error) => {
                    let answered = Answered { outcome: Err(error), elapsed: std::time::Duration::ZERO };
                    return Authorized { before, request, answered };
                }
            };
            token.apply(&mut request);
            let answered = network.exchange(&request).await;
            let is_refusal = answered.outcome.as_ref().is_ok_and(|response| response.status == 401);
            if !is_refusal || is_fresh || refused.is_some() {
                return Authorized { before, request, answered };
            }
            before.push((request.clone(), answered));
            refused = Some(token);
        }
    }

    /// What a [`Redactor`](super::Redactor) has to mask from the beginning; access tokens are made known as they come.
    pub fn secret(&self) -> Option<&SecretString> {
        match self {
            Self::None | Self::Issued(_) | Self::Oauth(_) => None,
            Self::Bearer(token) => Some(&token.0),
        }
    }
}

impl BearerToken {
    fn apply(&self, request: &mut Request) {
        request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("authorization"));
        let value = format!("Bearer {}", self.0.expose_secret());
        request.headers.insert(0, ("Authorization".to_owned(), value));
    }
}

impl PartialEq for BearerToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bearer(token) => f.debug_tuple("Bearer").field(token).finish(),
            Self::Issued(tokens) => f.debug_tuple("Issued").field(tokens).finish(),
            Self::Oauth(tokens) => f.debug_tuple("Oauth").field(tokens).finish(),
        }
    }
}

impl TryFrom<SecretString> for BearerToken {
    type Error = InvalidToken;

    /// White space around the token is dropped: files end with a line break, pasted text with a blank.
    fn try_from(text: SecretString) -> Result<Self, InvalidToken> {
        let token = text.expose_secret().trim();
        if token.is_empty() {
            return Err(InvalidToken::Empty);
        }
        match token.chars().position(|character| !matches!(character, ' '..='~')) {
            Some(before) => Err(InvalidToken::Unsendable { position: before.saturating_add(1) }),
            None => Ok(Self(SecretString::from(token))),
        }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Method;

    fn token(text: &str) -> Result<BearerToken, InvalidToken> {
        BearerToken::try_from(SecretString::from(text))
    }

    fn request(headers: &[(&str, &str)]) -> Request {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Request { method: Method::Get, url: "http://127.0.0.1/scim/Users".to_owned(), headers, body: None }
    }

    #[test]
    fn the_bearer_header_stands_first_and_once() {
        let mut sent = request(&[("Accept", "application/scim+json"), ("authorization", "Bearer old")]);
        Authorization::Bearer(token("s3cret").unwrap()).apply(&mut sent);
        assert_eq!(sent, request(&[("Authorization", "Bearer s3cret"), ("Accept", "application/scim+json")]));
    }

    #[test]
    fn without_authorization_nothing_is_added() {
        let mut sent = request(&[("Accept", "application/scim+json")]);
        Authorization::None.apply(&mut sent);
        assert_eq!(sent, request(&[("Accept", "application/scim+json")]));
        assert!(Authorization::None.secret().is_none());
    }

    #[test]
    fn a_token_is_trimmed_and_refused_when_no_header_can_carry_it() {
        let bearer = |text| token(text).map(|token| token.0.expose_secret().to_owned());
        assert_eq!(bearer("  abc.def\r\n").unwrap(), "abc.def");
        assert_eq!(bearer("two words").unwrap(), "two words");
        assert_eq!(bearer(" \n").unwrap_err(), InvalidToken::Empty);
        assert_eq!(bearer("ab\r\ncd").unwrap_err(), InvalidToken::Unsendable { position: 3 });
        assert_eq!(bearer("schlüssel").unwrap_err(), InvalidToken::Unsendable { position: 5 });
    }

    #[test]
    fn printing_shows_no_token() {
        let authorization = Authorization::Bearer(token("s3cret").unwrap());
        assert_eq!(format!("{authorization:?}"), "Bearer(****)");
        assert!(!token("s3cret\u{e9}").unwrap_err().to_string().contains("s3cret"));
    }
}
