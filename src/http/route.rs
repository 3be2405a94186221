//! How a request reaches its server. Over plain http a credential goes to this machine alone, judged by
//! all addresses of the name, or to a host of `http.plain_hosts`.

use std::net::{IpAddr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

use super::{Error, HttpRequest};
use crate::secret::SafeUrl;

/// The connection that a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Tls,
    Plain,
    /// Plain http with this credential: only to loopback addresses, never through a proxy.
    ThisMachine {
        credential: &'static str,
    },
}

impl Route {
    /// The route of `request` to `url`, a redirect of its own URL. Looks nothing up.
    pub(super) fn of(
        request: &HttpRequest,
        url: &SafeUrl,
        plain_hosts: &[String],
    ) -> Result<Self, Error> {
        match (request.credential(url), url.url().scheme()) {
            (_, "https") => Ok(Route::Tls),
            (None, _) => Ok(Route::Plain),
            (Some(credential), _) => Route::of_credential(url, credential, plain_hosts),
        }
    }

    /// The same for any request with this credential.
    pub(super) fn of_credential(
        url: &SafeUrl,
        credential: &'static str,
        plain_hosts: &[String],
    ) -> Result<Self, Error> {
        if url.url().scheme() == "https" {
            return Ok(Route::Tls);
        }
        match PlainHost::of(url, plain_hosts) {
            PlainHost::Named => Ok(Route::Plain),
            PlainHost::ThisMachine | PlainHost::Name => Ok(Route::ThisMachine { credential }),
            PlainHost::Elsewhere(address) => {
                let reason = format!("`{address}` is not a loopback address");
                Err(Error::Unencrypted { origin: url.origin(), credential, reason })
            }
        }
    }
}

/// The host of a plain http URL, judged without a lookup.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PlainHost {
    /// `http.plain_hosts` names it.
    Named,
    ThisMachine,
    /// An address that is not a loopback address.
    Elsewhere(IpAddr),
    /// A name, judged by its addresses when a connection is opened.
    Name,
}

impl PlainHost {
    pub(super) fn of(url: &SafeUrl, plain_hosts: &[String]) -> Self {
        let host = url.url().host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if plain_hosts.iter().any(|name| name.eq_ignore_ascii_case(bare)) {
            return PlainHost::Named;
        }
        let address = match url.url().host() {
            Some(Host::Ipv4(address)) => IpAddr::from(address),
            Some(Host::Ipv6(address)) => IpAddr::from(address),
            Some(Host::Domain(_)) | None => return PlainHost::Name,
        };
        elsewhere(&[address]).map_or(PlainHost::ThisMachine, PlainHost::Elsewhere)
    }
}

/// The first address that is not a loopback address; `None`: all of them are.
fn elsewhere(addresses: &[IpAddr]) -> Option<IpAddr> {
    addresses.iter().copied().find(|address| !address.to_canonical().is_loopback())
}

/// Why a name is not this machine.
#[derive(Debug, thiserror::Error)]
#[error("the name has the address `{address}`, which is not a loopback address")]
pub(super) struct NotThisMachine {
    address: IpAddr,
}

/// Resolves names that have loopback addresses only. The connection is made to the addresses that were
/// judged: there is no second lookup.
#[derive(Clone, Copy)]
pub(super) struct LoopbackResolver;

impl Resolve for LoopbackResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let sockets: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let addresses: Vec<IpAddr> = sockets.iter().map(SocketAddr::ip).collect();
            match elsewhere(&addresses) {
                Some(address) => Err(NotThisMachine { address }.into()),
                None => Ok(Box::new(sockets.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ts_f7_a_name_is_this_machine_when_all_its_addresses_are_loopback() {
        let table: &[(&[&str], &str)] = &[
            (&["127.0.0.1"], ""),
            (&["127.9.9.9", "::1"], ""),
            (&["::ffff:127.0.0.1"], ""),
            (&["127.0.0.1", "192.0.2.7"], "192.0.2.7"),
            (&["192.0.2.7", "127.0.0.1"], "192.0.2.7"),
            (&["::1", "127.0.0.1", "fe80::1"], "fe80::1"),
            (&["0.0.0.0"], "0.0.0.0"),
            (&["::"], "::"),
            (&["::ffff:192.0.2.7"], "::ffff:192.0.2.7"),
            (&["10.0.0.1"], "10.0.0.1"),
        ];
        for (addresses, expected) in table {
            let parsed: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(elsewhere(&parsed), expected.parse().ok(), "{addresses:?}");
        }
    }

    #[test]
    fn ts_f7_a_host_is_judged_by_its_address_or_left_to_the_lookup() {
        let elsewhere = |text: &str| PlainHost::Elsewhere(text.parse().unwrap());
        let table = [
            ("http://127.0.0.1:8000/mcp", PlainHost::ThisMachine),
            ("http://[::1]:8000/mcp", PlainHost::ThisMachine),
            ("http://10.0.0.1/", elsewhere("10.0.0.1")),
            ("http://[fd00::1]/", elsewhere("fd00::1")),
            ("http://localhost:8000", PlainHost::Name),
            ("http://app.localhost", PlainHost::Name),
            ("http://KeyCloak:8080", PlainHost::Named),
            ("http://keycloak.evil:8080", PlainHost::Name),
            ("http://[fd00::2]:81", PlainHost::Named),
        ];
        let plain_hosts = ["Keycloak".to_owned(), "fd00::2".to_owned()];
        for (url, expected) in table {
            let url = SafeUrl::parse(url).unwrap();
            assert_eq!(PlainHost::of(&url, &plain_hosts), expected, "{url}");
        }
    }
}
