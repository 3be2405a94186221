//! The claims of a token, read without checking its signature: only to know when it expires.

use base64::alphabet::URL_SAFE;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use base64::prelude::Engine;
use serde_json::Value;

use crate::deadline::Timestamp;

/// base64url without padding (RFC 7515, section 2). The last bits may be set: some issuers leave them so.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// The claims of a JWT; `None` for other tokens.
#[must_use]
pub fn read(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = BASE64.decode(claims.trim_end_matches('=')).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}

/// The expiry claim of a JWT.
#[must_use]
pub fn expiry(token: &str) -> Option<Timestamp> {
    let exp = read(token)?.get("exp")?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
    Some(Timestamp(exp as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x16_the_expiry_comes_from_the_token() {
        assert_eq!(expiry("e30.eyJleHAiOjE3OTU0MjUyNDB9.sig"), Some(Timestamp(1_795_425_240)));
        assert!(expiry("e30.eyJleHAiOjE3OTU0MjUyNDB9==.sig").is_some(), "padding is tolerated");
        // Both letters of base64url that base64 does not have.
        let with_both = "e30.eyJleHAiOjUsImEiOiI_fj4-fn5-fiJ9.sig";
        assert!(with_both.contains('_') && with_both.contains('-'));
        assert_eq!(expiry(with_both), Some(Timestamp(5)));
        assert_eq!(expiry("e30.eyJleHAiOjE3OTU0MjUyNDB9"), None, "two parts are not a JWT");
        for odd in ["", "a.b", "a.!!.c", "e30.e30.x", "e30.bnVsbA.x", "opaque-token"] {
            assert_eq!(expiry(odd), None, "{odd}");
        }
    }

    #[test]
    fn b20_both_characters_of_base64url_are_read() {
        let claims = "eyJleHAiOjE3OTU0MjUyNDAsIm4iOiLDv8O_w78-Pj4_Pz8ifQ";
        assert!(claims.contains('-') && claims.contains('_'));
        assert_eq!(expiry(&format!("e30.{claims}.s")), Some(Timestamp(1_795_425_240)));
    }
}
