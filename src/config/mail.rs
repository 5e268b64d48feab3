//! How mails leave: `[mail]`, and how that is read.

use std::num::NonZeroU16;

use super::TokenSource;
use super::convert::Converter;
use super::raw::{RawMail, RawSmtp, Text};
use super::tenant_url::is_loopback_host;
use super::words::{word_or, words};

/// Who Entra's mails come from (`engine.md 13`).
pub const SENDER: &str = "azure-noreply@microsoft.com";

/// How mails leave. Each becomes a file in the state's folder; with a server they are sent too.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Who they come from: a mail address.
    pub from: String,
    /// Where jobs can be looked at: mails link below it. `None`: they link to the configuration file.
    pub link_base: Option<url::Url>,
    /// The server that sends them.
    pub smtp: Option<Smtp>,
}

impl Default for Mail {
    fn default() -> Self {
        Self { from: SENDER.to_owned(), link_base: None, smtp: None }
    }
}

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// Its name or address, not empty.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// The name and where the password is, for one that asks for them.
    pub login: Option<(String, TokenSource)>,
}

words! {
    /// How the connection to a mail server is protected.
    pub enum Security {
        /// TLS after `STARTTLS`, or no mail at all; port 587.
        Starttls = "starttls",
        /// TLS from the first byte; port 465.
        Tls = "tls",
        /// Not at all: for a server on this machine; port 25.
        None = "none",
    }
}

impl Security {
    fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

impl Converter<'_> {
    pub(super) fn mail(&mut self, raw: Option<RawMail>) -> Option<Mail> {
        let Some(raw) = raw else { return Some(Mail::default()) };
        let has_sender = raw.from.is_some();
        let from = match raw.from {
            Some(from) => self.address(&from)?,
            None => SENDER.to_owned(),
        };
        let link_base = raw.link_base.and_then(|link| self.link_base(&link));
        let smtp = match raw.smtp {
            Some(smtp) => {
                if !has_sender {
                    let help = "mail that really leaves is not sent in Microsoft's name: write for example \
                                `from = \"scimulator@contoso.com\"`";
                    self.error(&smtp.span(), "`smtp` needs `from` in `[mail]`", Some(help.to_owned()));
                }
                Some(self.smtp(smtp.into_inner())?)
            }
            None => None,
        };
        Some(Mail { from, link_base, smtp })
    }

    fn link_base(&mut self, text: &Text) -> Option<url::Url> {
        let url = url::Url::parse(text.get_ref()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            let help = "write for example `https://scimulator.contoso.com`".to_owned();
            self.error(&text.span(), "`link_base` is no http or https URL", Some(help));
        }
        url
    }

    fn smtp(&mut self, raw: RawSmtp) -> Option<Smtp> {
        let security = word_or(raw.security.as_deref(), Security::Starttls);
        let host = raw.host?;
        if host.get_ref().trim().is_empty() {
            self.error(&host.span(), "`host` is empty", None);
            return None;
        }
        let login = match (raw.username, raw.password) {
            (Some(name), Some(password)) => {
                if security == Security::None && !is_loopback_host(host.get_ref()) {
                    let help = "use `security = \"starttls\"` or `\"tls\"`".to_owned();
                    self.error(
                        &name.span(),
                        "a password is not sent over the network unprotected",
                        Some(help),
                    );
                }
                Some((name.into_inner(), self.token(password)?))
            }
            (Some(name), None) => {
                self.error(&name.span(), "`username` needs `password`", None);
                None
            }
            (None, Some(_)) => {
                self.error(&host.span(), "`password` needs `username`", None);
                None
            }
            (None, None) => None,
        };
        let port = raw.port.and_then(NonZeroU16::new).map_or(security.port(), NonZeroU16::get);
        Some(Smtp { host: host.into_inner(), port, security, login })
    }
}
