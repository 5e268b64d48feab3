//! Tokens that the tenant itself issues: the bearer of a job whose secret token was left blank, and the assertion of
//! workload identity federation (`wire.md 1.3`).
//!
//! They are signed by a key of this tenant's own, in place of Microsoft's: ES256, since that key can be made here.
//! Its public half lies beside it as a JWK Set (RFC 7517), for servers that verify signatures.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Redactor;
use super::authorize::BearerToken;
use crate::clock::{Clock, SignedDuration, Timestamp};
use crate::private;

/// The private key, PKCS #8, in the folder of the state.
pub const KEY_FILE: &str = "issuer.key";

/// Its public half, in the same folder.
pub const KEY_SET_FILE: &str = "issuer.jwks.json";

/// How long a token is good. Entra's own live 60 to 90 minutes.
const LIFE: SignedDuration = SignedDuration::from_hours(1);

/// How long before its end a token is replaced, so that none expires on its way.
const RENEWED_BEFORE_END: SignedDuration = SignedDuration::from_mins(5);

/// The caller that a blank token names (`wire.md 1.3`).
const APP_ID: &str = "00000014-0000-0000-c000-000000000000";

/// Bytes before the coordinates in an uncompressed point (SEC 1, 2.3.3), and of one coordinate of P-256.
const POINT_PREFIX_BYTES: usize = 1;
const COORDINATE_BYTES: usize = 32;

/// Who signs a tenant's tokens. They carry real time, whatever time the job lives in: those who verify them go by
/// their own clocks.
pub struct Issuer {
    key: EcdsaKeyPair,
    key_id: String,
    tenant_id: String,
    clock: Box<dyn Clock>,
}

/// A signed token.
pub struct Issued {
    /// The token itself.
    pub token: SecretString,
    /// Until when it is good.
    pub expires: Timestamp,
}

impl Issuer {
    /// Signs with the key that is kept in `folder`, and made there at the first time. Errors: it can not be made or
    /// read, or what lies there is no such key.
    pub fn kept_in(folder: &Path, tenant_id: String, clock: Box<dyn Clock>) -> io::Result<Self> {
        let broken = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
        let random = SystemRandom::new();
        let path = folder.join(KEY_FILE);
        if !path.exists() {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(|_| io::Error::other("the system gives no random bytes"))?;
            private::write_unless_there(&path, made.as_ref())?;
        }
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &std::fs::read(&path)?, &random)
            .map_err(|_| broken("it holds no P-256 key"))?;
        let point = key.public_key().as_ref().get(POINT_PREFIX_BYTES..).unwrap_or_default();
        let (x, y) = point.split_at_checked(COORDINATE_BYTES).ok_or_else(|| broken("it holds no point"))?;
        // RFC 7638: the members in this order and nothing else are what the thumbprint is taken of.
        let public = json!({ "crv": "P-256", "kty": "EC", "x": encoded(x), "y": encoded(y) });
        let key_id = encoded(digest::digest(&digest::SHA256, public.to_string().as_bytes()).as_ref());
        let mut listed = public;
        for (name, value) in [("alg", "ES256"), ("use", "sig"), ("kid", &key_id)] {
            if let Some(listed) = listed.as_object_mut() {
                listed.insert(name.to_owned(), Value::from(value));
            }
        }
        let set = format!("{:#}\n", json!({ "keys": [listed] }));
        let set_path = folder.join(KEY_SET_FILE);
        if std::fs::read_to_string(&set_path).ok().as_ref() != Some(&set) {
            std::fs::write(&set_path, set)?;
        }
        Ok(Self { key, key_id, tenant_id, clock })
    }

    /// The bearer of a job without a secret token (W-010). `ver` and `tid` are inferred: they are what tokens of that
    /// issuer have.
    pub fn access_token(&self, audience: &str) -> Issued {
        self.issue([
            ("aud", Value::from(audience)),
            ("iss", Value::from(format!("https://sts.windows.net/{}/", self.tenant_id))),
            ("appid", Value::from(APP_ID)),
            ("tid", Value::from(self.tenant_id.as_str())),
            ("ver", Value::from("1.0")),
        ])
    }

    /// The assertion by which a workload proves itself to a token endpoint (W-018). `jti` and the times are demanded of
    /// assertions by RFC 7523.
    pub fn assertion(&self, audience: &str, subject: &str) -> Issued {
        let number = self.clock.now().as_nanosecond().to_string();
        let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("{audience} {subject} {number}").as_bytes());
        self.issue([
            ("aud", Value::from(audience)),
            ("iss", Value::from(format!("https://login.microsoftonline.com/{}/v2.0", self.tenant_id))),
            ("sub", Value::from(subject)),
            ("ver", Value::from("2.0")),
            ("jti", Value::from(id.to_string())),
        ])
    }

    /// The compact form of a signed token (RFC 7515) with these claims and the times of its life.
    fn issue<const N: usize>(&self, claims: [(&str, Value); N]) -> Issued {
        let now = self.clock.now();
        let expires = now.saturating_add(LIFE).unwrap_or(Timestamp::MAX);
        let mut payload: Map<String, Value> =
            claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, at) in [("iat", now), ("nbf", now), ("exp", expires)] {
            payload.insert(name.to_owned(), Value::from(at.as_second()));
        }
        let header = json!({ "typ": "JWT", "alg": "ES256", "kid": self.key_id });
        let mut token = format!(
            "{}.{}",
            encoded(header.to_string().as_bytes()),
            encoded(Value::Object(payload).to_string().as_bytes())
        );
        let signature = self
            .key
            .sign(&SystemRandom::new(), token.as_bytes())
            .expect("signing fails only without random bytes, and those were there when the key was read");
        token.push('.');
        token.push_str(&encoded(signature.as_ref()));
        Issued { token: SecretString::from(token), expires }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer").field("tenant_id", &self.tenant_id).finish_non_exhaustive()
    }
}

/// The bearer of a job whose secret token was left blank, signed anew before it expires.
pub struct IssuedTokens {
    issuer: Issuer,
    audience: String,
    redactor: Redactor,
    kept: Mutex<Option<(BearerToken, Timestamp)>>,
}

impl IssuedTokens {
    /// No token yet. Every token is made known to `redactor` before anybody else sees it.
    pub fn new(issuer: Issuer, audience: String, redactor: Redactor) -> Self {
        Self { issuer, audience, redactor, kept: Mutex::new(None) }
    }

    /// A token that is good for now.
    pub fn current(&self) -> BearerToken {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.issuer.clock.now();
        if let Some((token, expires)) = &*kept
            && now.saturating_add(RENEWED_BEFORE_END).is_ok_and(|soon| soon < *expires)
        {
            return token.clone();
        }
        let Issued { token, expires } = self.issuer.access_token(&self.audience);
        self.redactor.learn(token.clone());
        let token = BearerToken::try_from(token).expect("base64 and dots stand in every header");
        *kept = Some((token.clone(), expires));
        token
    }
}

impl fmt::Debug for IssuedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedTokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// A refresh token, and the file that keeps the one which took its place: endpoints may replace it with every access
/// token, and the replaced one is worth nothing then. Several processes may go by one file; each redeems the token
/// only in its [turn](Self::turn), after it has read the file again.
pub struct RefreshToken {
    file: PathBuf,
    configured: SecretString,
    current: SecretString,
}

impl RefreshToken {
    /// The token that descends from the configured one, as `file` has it; else that one itself. Errors: the file is
    /// there and can not be read.
    pub fn kept_in(file: PathBuf, configured: SecretString) -> io::Result<Self> {
        let mut token = Self { file, current: configured.clone(), configured };
        token.read_again()?;
        Ok(token)
    }

    /// The token to be used next.
    pub fn current(&self) -> &SecretString {
        &self.current
    }

    /// What is to be waited for before the token is redeemed; the turn ends when what it brings is dropped. Errors of
    /// it: the lock file beside the token's can't be made or locked.
    pub fn turn(&self) -> impl FnOnce() -> io::Result<File> + Send + 'static {
        let path = self.file.with_added_extension("lock");
        move || {
            let file = private::lock_file(&path)?;
            file.lock()?;
            Ok(file)
        }
    }

    /// Takes over what others have kept since. Errors: the file is there and can not be read; the token stays.
    pub fn read_again(&mut self) -> io::Result<()> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => {
                // One of another descent: somebody has configured another token since.
                if let Some((of, token)) = text.split_once('\n')
                    && of == self.descent()
                {
                    self.current = SecretString::from(token.trim_end());
                }
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Another token takes its place, also for those who come later. Errors: it can not be kept; it is used all the
    /// same.
    pub fn replace(&mut self, token: SecretString) -> io::Result<()> {
        if token.expose_secret() == self.current.expose_secret() {
            return Ok(());
        }
        let text = format!("{}\n{}\n", self.descent(), token.expose_secret());
        self.current = token;
        private::write(&self.file, text.as_bytes())
    }

    /// Tells which configured token the kept one descends from, without telling either.
    fn descent(&self) -> String {
        blake3::hash(self.configured.expose_secret().as_bytes()).to_hex().to_string()
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(super::MASK)
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
