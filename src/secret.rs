//! Values that must not be printed: `Secret` and `SafeUrl` print without their private parts, and
//! `text::masked` masks them in foreign text.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::digest::sha256_hex;
use crate::text;

/// A password, token or header value. Prints as `****`; zeroed when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value and remembers it for `text::masked`.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        let secret = SecretString::from(value.into());
        text::register(secret.expose_secret());
        Secret(secret)
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// SHA-256 of the value in hex: an identity that can be stored and compared.
    #[must_use]
    pub fn digest(&self) -> String {
        sha256_hex(self.expose())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("****")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

/// Keeps the memory of this process, and the secrets in it, from other processes of the user and from
/// core files. A limit of zero does not keep a core file from a program that `core_pattern` names; on
/// Linux the second setting does.
pub fn protect_memory() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Lowering a limit can only fail where there is none.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// An `http` or `https` URL whose user part and query never get printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeUrl(Url);

impl SafeUrl {
    /// Parses an absolute `http` or `https` URL with a host; the message names the fault, without
    /// repeating the value (it may hold a password).
    ///
    /// # Errors
    /// A lower-case fragment for the error of the setting.
    pub fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => {
                "has no scheme; write it like `http://localhost:8000`".to_owned()
            }
            other => other.to_string(),
        })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("has the scheme `{}`, not http or https", url.scheme()));
        }
        if let Some(password) = url.password() {
            text::register(password);
            text::mask_pair(url.username(), password);
        }
        Ok(SafeUrl(url))
    }

    /// The complete URL, for sending.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port: a credential is bound to these.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Whether a user name or a password is in it.
    #[must_use]
    pub fn has_user_part(&self) -> bool {
        !self.0.username().is_empty() || self.0.password().is_some()
    }

    /// `localhost`, `*.localhost`, 127.0.0.0/8 or `[::1]`: what never has a proxy. Not a judgement of
    /// where a credential may go, which depends on the addresses of the name.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl From<Url> for SafeUrl {
    fn from(url: Url) -> Self {
        SafeUrl(url)
    }
}

impl fmt::Display for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path();
        write!(f, "{}{}", self.origin(), if path == "/" { "" } else { path })
    }
}

impl fmt::Debug for SafeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x21_neither_a_secret_nor_a_user_part_is_ever_printed() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "**** ****");
        let url = SafeUrl::parse("http://joe:pass-word@host:81/mcp?key=1").unwrap();
        assert_eq!(format!("{url} {url:?}"), "http://host:81/mcp http://host:81/mcp");
        assert_eq!(text::masked("was hunter2-hunter2, pass-word"), "was ****, ****");
    }

    #[test]
    fn c007_urls_are_read_or_refused_with_a_reason() {
        assert!(SafeUrl::parse("localhost:8000").unwrap_err().contains("scheme"));
        assert!(SafeUrl::parse("example.com/mcp").unwrap_err().contains("no scheme"));
        assert!(SafeUrl::parse("http://[::1]:8000/x").unwrap().is_loopback());
        assert!(!SafeUrl::parse("http://10.0.0.1/").unwrap().is_loopback());
    }
}
