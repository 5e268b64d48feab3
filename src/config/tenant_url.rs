//! The Tenant URL: where the target is, and the feature flags in its query (`wire.md 1.1` and `7`).

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use crate::diagnostic::did_you_mean;
use crate::scim::style::Dialect;

/// Selects [`Dialect::Optscim`].
pub const FLAG_OPTSCIM: &str = "aadOptscim062020";
/// Stood in a screenshot of 2021; taken as an alias of [`FLAG_OPTSCIM`] (`wire.md 7`, question 20).
pub const FLAG_OPTSCIM_ALIAS: &str = "AzureAdScimPatch062020";
/// Rolls back to today's default once another one is the default; changes nothing today (`wire.md 7`).
pub const FLAG_DEFAULT: &str = "AzureAdScimPatch2017";

/// The address of a SCIM endpoint: `http` or `https`, a host, any path; no user, password or fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantUrl {
    base: Url,
    flags: Vec<String>,
    dialect: Dialect,
}

/// Why a text is no Tenant URL. No message repeats the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantUrlError {
    /// A path, a word, or nothing: no scheme and host.
    #[error("not an absolute URL")]
    NotAbsolute,
    /// Not a URL.
    #[error("not a URL: {0}")]
    Form(url::ParseError),
    /// Neither `http` nor `https`.
    #[error("the scheme `{0}` is neither `https` nor `http`")]
    Scheme(String),
    /// `user:password@host`: HTTP Basic is not supported (`wire.md 1.3`).
    #[error("a user or password in the URL is not supported: Entra never sends HTTP Basic")]
    UserInfo,
    /// `#…`
    #[error("a fragment (`#…`) never reaches a server")]
    Fragment,
}

/// Something odd about a Tenant URL that can be used all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TenantUrlWarning {
    /// Plain `http` to another machine (`wire.md 1.1`: HTTPS only).
    OffSpec,
    /// [`FLAG_OPTSCIM_ALIAS`] was used.
    Alias,
    /// A query parameter that is no flag; what Entra does with it is unknown, here it is ignored.
    UnknownFlag {
        /// The parameter's name.
        name: String,
        /// The flag that was probably meant.
        meant: Option<&'static str>,
    },
}

impl fmt::Display for TenantUrlWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OffSpec => f.write_str("plain `http` is off spec: Entra speaks to `https` only"),
            Self::Alias => {
                write!(f, "the flag `{FLAG_OPTSCIM_ALIAS}` is unverified; it is taken as `{FLAG_OPTSCIM}`")
            }
            Self::UnknownFlag { name, .. } => write!(f, "`{name}` is no known flag and is ignored"),
        }
    }
}

impl TenantUrlWarning {
    /// What to do about it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::OffSpec => None,
            Self::Alias => Some(format!("write `{FLAG_OPTSCIM}`")),
            Self::UnknownFlag { meant, .. } => meant.map(|flag| format!("did you mean `{flag}`?")),
        }
    }
}

/// A target outside this machine that the job does not allow (contract 3).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the target `{host}` is not on this machine")]
pub struct RemoteRefused {
    /// The target's host.
    pub host: String,
}

impl RemoteRefused {
    /// What to do about it.
    pub const HELP: &'static str = "cycles write to the target and may disable or delete its users: \
         once you are sure that it is the right one, set `allow_remote = true` in the job";
}

impl TenantUrl {
    /// Reads a Tenant URL as it stands in the field of that name, with what is odd about it.
    pub fn parse(text: &str) -> Result<(Self, Vec<TenantUrlWarning>), TenantUrlError> {
        const FLAGS: [&str; 3] = [FLAG_OPTSCIM, FLAG_OPTSCIM_ALIAS, FLAG_DEFAULT];
        let mut base = Url::parse(text.trim()).map_err(|error| {
            if error == url::ParseError::RelativeUrlWithoutBase {
                return TenantUrlError::NotAbsolute;
            }
            TenantUrlError::Form(error)
        })?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(TenantUrlError::Scheme(base.scheme().to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(TenantUrlError::UserInfo);
        }
        if base.fragment().is_some() {
            return Err(TenantUrlError::Fragment);
        }
        let names: Vec<String> = base.query_pairs().map(|(name, _)| name.into_owned()).collect();
        base.set_query(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);

        let (flags, others): (Vec<String>, Vec<String>) = names
            .into_iter()
            .filter(|name| !name.is_empty())
            .partition(|name| FLAGS.contains(&name.as_str()));
        let selects = |flag: &str| flags.iter().any(|name| name == flag);
        let dialect = if selects(FLAG_OPTSCIM) || selects(FLAG_OPTSCIM_ALIAS) {
            Dialect::Optscim
        } else {
            Dialect::Default
        };
        let mut warnings = Vec::new();
        if selects(FLAG_OPTSCIM_ALIAS) {
            warnings.push(TenantUrlWarning::Alias);
        }
        warnings.extend(others.into_iter().map(|name| {
            let meant = FLAGS.into_iter().find(|flag| did_you_mean(&name, [*flag]).is_some());
            TenantUrlWarning::UnknownFlag { name, meant }
        }));
        let url = Self { base, flags, dialect };
        if url.base.scheme() == "http" && !url.is_loopback() {
            warnings.insert(0, TenantUrlWarning::OffSpec);
        }
        Ok((url, warnings))
    }

    /// The URL without query and without a trailing slash: append `/Users` and the like, and no `//` arises.
    pub fn base(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// The feature flags in the order of the query, as spelt there.
    pub fn flags(&self) -> &[String] {
        &self.flags
    }

    /// The form of PATCH requests that the flags select.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The host as it stands in the URL; an IPv6 address in brackets.
    pub fn host(&self) -> &str {
        self.base.host_str().unwrap_or_default()
    }

    /// Whether the path is `/scim`, directly under the root: all that `legacy2018` reaches (`wire.md 1.1`, W-005).
    pub fn is_scim_at_root(&self) -> bool {
        self.base.path().trim_end_matches('/') == "/scim"
    }

    /// Whether the target is on this machine by its name: `localhost`, a name below it, or a loopback address.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Whether requests may be sent: to this machine always, elsewhere only when that was allowed outright.
    pub fn permit(&self, allow_remote: bool) -> Result<(), RemoteRefused> {
        if allow_remote || self.is_loopback() {
            return Ok(());
        }
        Err(RemoteRefused { host: self.host().to_owned() })
    }
}

/// Reads the address of a token endpoint: as a Tenant URL, but a query stays as it is.
pub fn token_endpoint(text: &str, allow_remote: bool) -> Result<Url, TokenEndpointError> {
    let (base, _) = TenantUrl::parse(text)?;
    base.permit(allow_remote)?;
    Url::parse(text.trim()).map_err(|error| TenantUrlError::Form(error).into())
}

/// Why an address is none of a token endpoint, or is none that may be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenEndpointError {
    /// Not such a URL.
    #[error(transparent)]
    Form(#[from] TenantUrlError),
    /// Not on this machine, and that was not allowed: it is told the client secret.
    #[error(transparent)]
    Remote(#[from] RemoteRefused),
}

/// Whether a host is this machine by its name, as [`TenantUrl::is_loopback`] has it.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let name = host.to_ascii_lowercase();
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical());
    name == "localhost" || name.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

/// Whether a URL's host is this machine by its name: `localhost`, a name below it, or a loopback address.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}

impl fmt::Display for TenantUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> TenantUrl {
        TenantUrl::parse(text).expect("a Tenant URL").0
    }

    #[test]
    fn a_trailing_slash_and_the_query_are_not_part_of_the_base() {
        let cases = [
            ("https://api.contoso.com/scim", "https://api.contoso.com/scim"),
            ("https://api.contoso.com/scim/", "https://api.contoso.com/scim"),
            ("https://api.contoso.com", "https://api.contoso.com"),
            ("https://api.contoso.com/", "https://api.contoso.com"),
            ("https://api.contoso.com/a/b//?aadOptscim062020", "https://api.contoso.com/a/b"),
            ("  https://api.contoso.com/?x=1 ", "https://api.contoso.com"),
            ("http://127.0.0.1:8080/scim/v2", "http://127.0.0.1:8080/scim/v2"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).base(), expected, "{text}");
        }
    }

    #[test]
    fn the_flags_select_the_dialect() {
        let cases = [
            ("https://h/scim", Dialect::Default, &[][..]),
            ("https://h/scim?aadOptscim062020", Dialect::Optscim, &["aadOptscim062020"]),
            ("https://h/scim/?aadOptscim062020", Dialect::Optscim, &["aadOptscim062020"]),
            ("https://h/scim/?aadOptscim062020=", Dialect::Optscim, &["aadOptscim062020"]),
            ("https://h/scim?AzureAdScimPatch062020", Dialect::Optscim, &["AzureAdScimPatch062020"]),
            ("https://h/scim?AzureAdScimPatch2017", Dialect::Default, &["AzureAdScimPatch2017"]),
            ("https://h/scim?tenant=4", Dialect::Default, &[]),
        ];
        for (text, dialect, flags) in cases {
            let url = parse(text);
            assert_eq!(url.dialect(), dialect, "{text}");
            assert_eq!(url.flags(), flags, "{text}");
        }
    }

    #[test]
    fn odd_urls_work_with_a_warning() {
        crate::covers!("W-173");
        let warnings = |text: &str| TenantUrl::parse(text).expect("a Tenant URL").1;
        assert_eq!(warnings("https://h/?AzureAdScimPatch062020"), [TenantUrlWarning::Alias]);
        assert_eq!(parse("https://h/?AzureAdScimPatch062020").dialect(), Dialect::Optscim);
        assert!(TenantUrlWarning::Alias.to_string().contains("unverified"));
        assert_eq!(warnings("http://h.example/"), [TenantUrlWarning::OffSpec]);
        assert_eq!(warnings("http://localhost/?AzureAdScimPatch2017"), []);
        let [TenantUrlWarning::UnknownFlag { name, meant }] = &warnings("https://h/?aadoptscim062020")[..]
        else {
            panic!("one unknown flag");
        };
        assert_eq!((name.as_str(), *meant), ("aadoptscim062020", Some(FLAG_OPTSCIM)));
    }

    #[test]
    fn a_url_that_is_none_or_says_too_much_is_refused() {
        let cases = [
            ("", TenantUrlError::NotAbsolute),
            ("/scim", TenantUrlError::NotAbsolute),
            ("https://", TenantUrlError::Form(url::ParseError::EmptyHost)),
            ("ftp://h/scim", TenantUrlError::Scheme("ftp".to_owned())),
            ("https://user:pass@h/scim", TenantUrlError::UserInfo),
            ("https://user@h/scim", TenantUrlError::UserInfo),
            ("https://h/scim#top", TenantUrlError::Fragment),
        ];
        for (text, expected) in cases {
            assert_eq!(TenantUrl::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn only_names_and_addresses_of_this_machine_are_loopback() {
        let here = [
            "127.0.0.1",
            "127.9.9.9",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "[::1]",
            "[::ffff:127.0.0.1]",
        ];
        let elsewhere =
            ["10.0.0.1", "example.com", "localhost.example.com", "notlocalhost", "[::2]", "0.0.0.0"];
        for host in here {
            assert!(parse(&format!("http://{host}:8080/")).is_loopback(), "{host}");
            assert_eq!(parse(&format!("http://{host}/")).permit(false), Ok(()));
        }
        for host in elsewhere {
            let url = parse(&format!("https://{host}/"));
            assert!(!url.is_loopback(), "{host}");
            assert_eq!(url.permit(false), Err(RemoteRefused { host: host.to_owned() }));
            assert_eq!(url.permit(true), Ok(()));
        }
    }
}
