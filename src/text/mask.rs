//! Masks the secrets of this process in foreign text, in every form in which they travel.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};

/// Shorter values are too likely to be ordinary words of a message.
const MIN_MASKED_BYTES: usize = 6;
const MASK: &str = "****";

static FORMS: Mutex<Forms> = Mutex::new(Forms { list: Vec::new(), begins: [false; 256] });

/// What is searched for, the longest first, and the bytes that it begins with.
struct Forms {
    list: Vec<SecretString>,
    begins: [bool; 256],
}

impl Forms {
    fn knows(&self, value: &str) -> bool {
        self.list.iter().any(|form| form.expose_secret() == value)
    }

    fn add(&mut self, value: String) {
        if value.len() < MIN_MASKED_BYTES || self.knows(&value) {
            return;
        }
        self.begins[usize::from(value.as_bytes()[0])] = true;
        let at = self.list.partition_point(|form| form.expose_secret().len() >= value.len());
        self.list.insert(at, SecretString::from(value));
    }

    /// The length of the form that `text` begins with.
    fn at_start(&self, text: &[u8]) -> Option<usize> {
        let form =
            self.list.iter().find(|form| text.starts_with(form.expose_secret().as_bytes()))?;
        Some(form.expose_secret().len())
    }

    /// One pass: nothing is copied before the first match.
    fn masked<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let bytes = text.as_bytes();
        let (mut out, mut copied, mut at) = (String::new(), 0, 0);
        while let Some(byte) = bytes.get(at) {
            let length =
                if self.begins[usize::from(*byte)] { self.at_start(&bytes[at..]) } else { None };
            let Some(length) = length else {
                at += 1;
                continue;
            };
            out.push_str(&text[copied..at]);
            out.push_str(MASK);
            at += length;
            copied = at;
        }
        if copied == 0 {
            return Cow::Borrowed(text);
        }
        Cow::Owned(out + &text[copied..])
    }
}

/// Remembers a secret in every form: as it is, without `Bearer ` or `Basic `, percent-encoded, in
/// base64, and as a JSON string. The forms are computed here: for a token that costs 2,000
/// instructions, less than to find out later which of them a text could have.
pub fn register(value: &str) {
    let mut forms = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    if value.len() < MIN_MASKED_BYTES || forms.knows(value) {
        return;
    }
    let credential = value.split_once(' ').filter(|(scheme, _)| is_scheme(scheme));
    for value in [Some(value), credential.map(|(_, rest)| rest.trim())].into_iter().flatten() {
        add_all(&mut forms, value);
    }
}

/// Remembers `user:password` as a Basic header carries it.
pub fn mask_pair(user: &str, password: &str) {
    register(&format!("{user}:{password}"));
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "token"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn add_all(forms: &mut Forms, value: &str) {
    if value.len() < MIN_MASKED_BYTES {
        return;
    }
    forms.add(value.to_owned());
    let base64 = STANDARD_NO_PAD.encode(value);
    forms.add(base64.replace('+', "-").replace('/', "_"));
    forms.add(base64);
    if value.bytes().all(is_unreserved) {
        return;
    }
    forms.add(json_escaped(value));
    for keeps in [is_unreserved, is_kept_in_forms] {
        let encoded = percent_encoded(value, keeps);
        forms.add(encoded.replace("%20", "+"));
        forms.add(lower_case_hex(&encoded));
        forms.add(encoded);
    }
}

/// As it is between the quotes of a JSON string.
fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// HTML forms encode `~` and keep `*`.
fn is_kept_in_forms(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._*".contains(&byte)
}

fn percent_encoded(value: &str, keeps: fn(u8) -> bool) -> String {
    let encode = |byte| {
        if keeps(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(encode).collect()
}

/// `%2F` as `%2f`; the other characters stay.
fn lower_case_hex(encoded: &str) -> String {
    let mut parts = encoded.split('%');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (hex, rest) = part.split_at(2);
        out.push('%');
        out.push_str(&hex.to_ascii_lowercase());
        out.push_str(rest);
    }
    out
}

/// `text` with every known secret replaced by `****`.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let forms = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    if forms.list.is_empty() { Cow::Borrowed(text) } else { forms.masked(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_a_secret_is_masked_in_every_form_in_which_it_travels() {
        register("p@ss w0rd/é~?>*");
        register("Bearer behind-the-scheme");
        register("say \"hi\" \\o/\n");
        mask_pair("joe", "pass-of-joe");
        let table = [
            ("is p@ss w0rd/é~?>*.", "is ****."),
            ("a=p%40ss%20w0rd%2F%C3%A9~%3F%3E%2A&b", "a=****&b"),
            ("a=p%40ss%20w0rd%2f%c3%a9~%3f%3e%2a&b", "a=****&b"),
            ("a=p%40ss+w0rd%2F%C3%A9%7E%3F%3E*&b", "a=****&b"),
            ("cEBzcyB3MHJkL8Opfj8+Kg==", "****=="),
            ("cEBzcyB3MHJkL8Opfj8-Kg", "****"),
            (r#"{"error":"is say \"hi\" \\o/\n?"}"#, r#"{"error":"is ****?"}"#),
            ("is say \"hi\" \\o/\n?", "is ****?"),
            ("got behind-the-scheme", "got ****"),
            ("got Bearer behind-the-scheme", "got ****"),
            ("Basic am9lOnBhc3Mtb2Ytam9l", "Basic ****"),
        ];
        for (text, expected) in table {
            assert_eq!(masked(text), expected, "{text}");
        }
    }

    #[test]
    fn text_without_a_secret_is_not_copied_and_short_values_stay() {
        register("short");
        register("long-enough-secret");
        assert!(matches!(masked("a short text: long-enough"), Cow::Borrowed(_)));
    }
}
