//! The claims of a token, read without checking its signature: only to know when it expires.

use serde_json::Value;

use crate::deadline::Timestamp;

/// The claims of a JWT; `None` for other tokens.
#[must_use]
pub fn read(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = decode(claims)?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}

/// The expiry claim of a JWT.
#[must_use]
pub fn expiry(token: &str) -> Option<Timestamp> {
    let exp = read(token)?.get("exp")?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
    Some(Timestamp(exp as i64))
}

/// base64url without padding (RFC 7515, section 2).
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x16_the_expiry_comes_from_the_token() {
        assert_eq!(expiry("e30.eyJleHAiOjE3OTU0MjUyNDB9.sig"), Some(Timestamp(1_795_425_240)));
        for odd in ["", "a.b", "a.!!.c", "e30.e30.x", "e30.bnVsbA.x", "opaque-token"] {
            assert_eq!(expiry(odd), None, "{odd}");
        }
    }
}
