//! Reads Keycloak's answers: the token with its expiry, or the cause and how to fix it (measured answers
//! of Keycloak 26). Pure except for the clock that a lifetime is counted from.

use std::time::Duration;

use serde_json::Value;

use super::claims;
use crate::deadline::Timestamp;
use crate::error::{Code, Failure};
use crate::text;

/// A longer lifetime is cut to this.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
/// Most servers refuse much shorter headers.
const MAX_TOKEN_BYTES: usize = 64 << 10;

/// An answer of the token endpoint.
pub(super) struct TokenResponse {
    pub status: u16,
    pub body: Vec<u8>,
}

/// Reads an answer of the token endpoint: the token with its expiry, or the cause and how to fix it.
pub(super) fn read(
    response: &TokenResponse,
    realm: &str,
) -> Result<(String, Option<Timestamp>), Failure> {
    let body: Option<Value> = serde_json::from_slice(&response.body).ok();
    let text = |name: &str| {
        let value = body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    match (response.status, &body) {
        (200..=299, Some(body)) if body.get("access_token").is_some() => token(body),
        (200..=299, _) => {
            Err(Failure::new(Code::NotJson, "the identity server's answer has no token").hint(
                "check that KEYCLOAK_URL is Keycloak's address, not a login page's or a proxy's",
            ))
        }
        (status, _) => Err(diagnose(status, &text("error"), &text("error_description"), realm)),
    }
}

fn token(body: &Value) -> Result<(String, Option<Timestamp>), Failure> {
    let token = body["access_token"].as_str().unwrap_or_default();
    let is_plain = token.bytes().all(|byte| (b'!'..=b'~').contains(&byte));
    if token.is_empty() || token.len() > MAX_TOKEN_BYTES || !is_plain {
        let text = "the identity server's token is empty, too long, or has characters that a header cannot carry";
        return Err(
            Failure::new(Code::NotJson, text).hint("check that KEYCLOAK_URL is Keycloak's address")
        );
    }
    let now = Timestamp::now();
    let lifetime = body.get("expires_in").and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    });
    let expires = match lifetime {
        Some(seconds) if seconds >= 1.0 => {
            let life = Duration::from_secs_f64(seconds.min(MAX_LIFETIME.as_secs_f64()));
            Some(now.plus(life))
        }
        Some(_) => None,
        None => claims::expiry(token).map(|expires| expires.min(now.plus(MAX_LIFETIME))),
    };
    Ok((token.to_owned(), expires))
}

/// The cause and the fix of each refusal. Keycloak answers `unauthorized_client` for a wrong secret, and
/// `invalid_client` for an unknown and for a disabled client.
fn diagnose(status: u16, error: &str, description: &str, realm: &str) -> Failure {
    let reason = if description.is_empty() { error } else { description };
    let reason = text::one_line(reason, 120);
    // Keycloak repeats the status: `HTTP 404 Not Found`.
    let reason = if reason.starts_with("HTTP ") { String::new() } else { reason };
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let (code, text, hint) = cause(status, error, description);
    let text = text.replace("{realm}", realm);
    Failure::new(code, format!("{text} (HTTP {status}{reason})")).hint(hint)
}

/// Code, cause and fix.
fn cause(status: u16, error: &str, description: &str) -> (Code, &'static str, &'static str) {
    match (status, error) {
        (404, _) if error.contains("Realm does not exist") => (
            Code::RealmUnknown,
            "the identity server does not know the realm `{realm}`",
            "fix KEYCLOAK_REALM",
        ),
        (404 | 405, _) => (
            Code::WrongEndpoint,
            "the identity server has no token endpoint at this address",
            "fix KEYCLOAK_URL; it was tried with and without `/auth`",
        ),
        (400, "missingNormalization") => {
            (Code::ConfigUrl, "the identity server refused the address", "fix KEYCLOAK_URL")
        }
        (403, _) if description.contains("HTTPS required") => (
            Code::ConfigUrl,
            "the identity server requires https",
            "use its https address, or change the realm's `Require SSL`",
        ),
        (403, _) if description.contains("Realm not enabled") => {
            (Code::RealmUnknown, "the realm is disabled", "enable it in Keycloak, Realm settings")
        }
        _ => refusal(error, description),
    }
}

/// The same for a client that the server refuses.
fn refusal(error: &str, description: &str) -> (Code, &'static str, &'static str) {
    match error {
        "unauthorized_client" if description.contains("retrieve service account") => (
            Code::ServiceAccountOff,
            "the client is not allowed to use a service account",
            "in Keycloak, Clients > the client > Settings: enable client authentication and service accounts roles",
        ),
        "unauthorized_client" => (
            Code::ClientRefused,
            "the identity server refused the client secret",
            "compare KEYCLOAK_CLIENT_SECRET with Keycloak, Clients > the client > Credentials",
        ),
        "invalid_client" => (
            Code::ClientRefused,
            "the identity server does not know the client, or it is disabled",
            "compare KEYCLOAK_CLIENT_ID and KEYCLOAK_REALM with Keycloak, Clients",
        ),
        "invalid_scope" => (
            Code::ClientRefused,
            "the identity server refused the scope",
            "fix `auth.scope`, or add the scope to the client",
        ),
        _ => (
            Code::ClientRefused,
            "the identity server refused to give a token",
            "check Keycloak's events and log",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p25_every_refusal_has_its_own_diagnosis() {
        let table = [
            (
                401,
                "unauthorized_client",
                "Invalid client or Invalid client credentials",
                202,
                "SECRET",
            ),
            (
                401,
                "invalid_client",
                "Invalid client or Invalid client credentials",
                202,
                "CLIENT_ID",
            ),
            (
                401,
                "unauthorized_client",
                "Client not enabled to retrieve service account",
                204,
                "service accounts",
            ),
            (
                401,
                "unauthorized_client",
                "Public client not allowed to retrieve service account",
                204,
                "authentication",
            ),
            (400, "invalid_scope", "Invalid scopes: nope", 202, "auth.scope"),
            (404, "Realm does not exist", "", 206, "KEYCLOAK_REALM"),
            (404, "Unable to find matching target resource method", "", 401, "/auth"),
            (404, "", "", 401, "KEYCLOAK_URL"),
            (405, "", "", 401, "KEYCLOAK_URL"),
            (403, "access_denied", "Realm not enabled", 206, "enable"),
            (403, "invalid_request", "HTTPS required", 105, "https"),
            (400, "missingNormalization", "", 105, "KEYCLOAK_URL"),
            (400, "invalid_request", "duplicated parameter", 202, "log"),
        ];
        for (status, error, description, code, hint) in table {
            let failure = diagnose(status, error, description, "r");
            assert_eq!(u16::from(failure.code), code, "{error} {description}");
            assert!(failure.hint.unwrap().contains(hint), "{error} {description}");
        }
    }

    #[test]
    fn a009_odd_lifetimes_are_bounded_or_not_kept() {
        let expires = |text: &str| {
            let body = format!(r#"{{"access_token":"abcdef","expires_in":{text}}}"#);
            let response = TokenResponse { status: 200, body: body.into_bytes() };
            let now = Timestamp::now();
            read(&response, "r").unwrap().1.map(|end| end.age_from(now).unwrap().as_secs())
        };
        assert_eq!(expires("300"), Some(300));
        assert_eq!(expires("\"300\""), Some(300));
        assert_eq!(expires("1000000000000000000"), Some(86_400));
        for none in ["0", "-1", "null", "[]", "0.5", "0.999"] {
            assert_eq!(expires(none), None, "{none}");
        }
    }

    #[test]
    fn a007_the_expiry_claim_of_a_token_is_at_most_a_day_away() {
        use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
        let expires = |exp: String| {
            let claims = BASE64_URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#));
            let body = format!(r#"{{"access_token":"e30.{claims}.sig"}}"#).into_bytes();
            let now = Timestamp::now();
            let end = read(&TokenResponse { status: 200, body }, "r").unwrap().1.unwrap();
            end.age_from(now).map_or(0, |left| left.as_secs())
        };
        assert_eq!(expires((Timestamp::now().0 + 300).to_string()), 300);
        for huge in ["4102444800", "99999999999999999", "1e300"] {
            assert!((86_400..86_405).contains(&expires(huge.into())), "{huge}");
        }
    }

    #[test]
    fn a010_a_token_longer_than_any_header_is_refused() {
        let read_token = |length| {
            let body = format!(r#"{{"access_token":"{}"}}"#, "x".repeat(length)).into_bytes();
            read(&TokenResponse { status: 200, body }, "r")
        };
        assert!(read_token(MAX_TOKEN_BYTES).is_ok());
        assert_eq!(read_token(MAX_TOKEN_BYTES + 1).unwrap_err().code, Code::NotJson);
    }

    #[test]
    fn a8_the_servers_words_are_one_short_line() {
        let words = format!("no\u{1b}[2J\r\nand\u{202e} {}", "long ".repeat(100));
        let message = diagnose(401, "unauthorized_client", &words, "r").message;
        assert!(message.chars().count() < 250, "{message}");
        assert!(message.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{message:?}");
    }

    #[test]
    fn a010_a_token_that_could_break_a_header_is_refused() {
        for token in ["a\\nb", "", "a b", "\u{e9}"] {
            let body = format!(r#"{{"access_token":"{token}"}}"#).into_bytes();
            assert!(read(&TokenResponse { status: 200, body }, "r").is_err(), "{token}");
        }
        let html = TokenResponse { status: 200, body: b"<html>".to_vec() };
        assert_eq!(read(&html, "r").unwrap_err().code, Code::NotJson);
    }
}
