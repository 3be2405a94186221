//! SHA-256 in hex: for names of files, checksums and comparisons.

use sha2::{Digest, Sha256};

/// Bytes of the short form.
const SHORT_BYTES: usize = 16;

/// The digest of `bytes`: 64 characters.
#[must_use]
pub fn sha256_hex(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first half of it, 32 characters: enough for the name of a file.
#[must_use]
pub fn short(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes)[..SHORT_BYTES])
}

/// The digest of `head` and several parts. Each part is preceded by its length, so that no two lists
/// of parts give the same digest.
#[must_use]
pub fn of_parts(head: &str, parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(head.as_bytes());
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_standard_and_the_short_form_its_half() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_hex("abc"), abc);
        assert_eq!(short("abc"), abc[..32]);
    }

    #[test]
    fn parts_that_are_split_elsewhere_give_another_digest() {
        assert_ne!(of_parts("", &["ab", "c"]), of_parts("", &["a", "bc"]));
        assert_ne!(of_parts("", &["a", ""]), of_parts("", &["a"]));
        assert_eq!(of_parts("abc", &[]), sha256_hex("abc"));
    }
}
