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
    list: Vec<Form>,
    begins: [bool; 256],
}

/// One form of a secret.
enum Form {
    Text(SecretString),
    /// In base64 of either alphabet. A token is long and its base64 is hardly ever seen, so that is
    /// computed only where a text has its first four characters.
    Base64 {
        of: SecretString,
        start: [u8; BASE64_START],
    },
}

/// Characters of base64 that the first three bytes decide.
const BASE64_START: usize = 4;

impl Form {
    /// `None` if `value` is too short.
    fn base64(value: &str) -> Option<Self> {
        let start = STANDARD_NO_PAD.encode(value.as_bytes().get(..3)?);
        let start = start.as_bytes().try_into().ok()?;
        Some(Form::Base64 { of: SecretString::from(value), start })
    }

    fn len(&self) -> usize {
        match self {
            Form::Text(text) => text.expose_secret().len(),
            Form::Base64 { of, .. } => (of.expose_secret().len() * 4).div_ceil(3),
        }
    }

    /// Whether `text` begins with it.
    fn begins(&self, text: &[u8]) -> bool {
        match self {
            Form::Text(form) => text.starts_with(form.expose_secret().as_bytes()),
            Form::Base64 { of, start } => {
                begins_in_base64(text, start)
                    && begins_in_base64(text, STANDARD_NO_PAD.encode(of.expose_secret()).as_bytes())
            }
        }
    }

    /// The first byte; in base64 that of text is the same in both alphabets.
    fn first_byte(&self) -> u8 {
        match self {
            Form::Text(text) => text.expose_secret().as_bytes()[0],
            Form::Base64 { start, .. } => start[0],
        }
    }
}

/// Whether `text` begins with `base64` in either alphabet.
fn begins_in_base64(text: &[u8], base64: &[u8]) -> bool {
    let is_same = |(byte, standard): (&u8, &u8)| byte == standard || *byte == url_safe(*standard);
    text.len() >= base64.len() && text.iter().zip(base64).all(is_same)
}

/// The character of base64url for one of base64.
fn url_safe(byte: u8) -> u8 {
    match byte {
        b'+' => b'-',
        b'/' => b'_',
        other => other,
    }
}

impl Forms {
    fn knows(&self, value: &str) -> bool {
        let is_value =
            |form: &Form| matches!(form, Form::Text(text) if text.expose_secret() == value);
        self.list.iter().any(is_value)
    }

    fn add_text(&mut self, value: String) {
        if value.len() >= MIN_MASKED_BYTES && !self.knows(&value) {
            self.add(Form::Text(SecretString::from(value)));
        }
    }

    fn add(&mut self, form: Form) {
        self.begins[usize::from(form.first_byte())] = true;
        let length = form.len();
        let at = self.list.partition_point(|other| other.len() >= length);
        self.list.insert(at, form);
    }

    /// The length of the form that `text` begins with.
    fn at_start(&self, text: &[u8]) -> Option<usize> {
        self.list.iter().find(|form| form.begins(text)).map(Form::len)
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
/// base64, and as a JSON string.
pub fn register(value: &str) {
    let mut forms = FORMS.lock().unwrap_or_else(PoisonError::into_inner);
    let credential = value.split_once(' ').filter(|(scheme, _)| is_scheme(scheme));
    for value in [Some(value), credential.map(|(_, rest)| rest.trim())].into_iter().flatten() {
        if value.len() >= MIN_MASKED_BYTES && !forms.knows(value) {
            add_all(&mut forms, value);
        }
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
    forms.add_text(value.to_owned());
    if let Some(base64) = Form::base64(value) {
        forms.add(base64);
    }
    if value.bytes().all(is_unreserved) {
        return;
    }
    forms.add_text(json_escaped(value));
    for keeps in [is_unreserved, is_kept_in_forms] {
        let encoded = percent_encoded(value, keeps);
        forms.add_text(encoded.replace("%20", "+"));
        forms.add_text(lower_case_hex(&encoded));
        forms.add_text(encoded);
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
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

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
    fn mc_every_length_is_masked_in_base64_of_both_alphabets() {
        let secret = "~~?>>>???~~~-of-every-length";
        for length in (6..=secret.len()).rev() {
            let secret = &secret[..length];
            register(secret);
            let forms = [STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)];
            assert_ne!(forms[0], forms[1]);
            for base64 in forms {
                assert_eq!(masked(&format!("is {base64}.")), "is ****.", "{secret}");
            }
        }
        let start = &STANDARD_NO_PAD.encode(secret)[..7];
        assert_eq!(masked(start), start, "only the beginning of a secret");
    }

    #[test]
    fn text_without_a_secret_is_not_copied_and_short_values_stay() {
        register("short");
        register("long-enough-secret");
        assert!(matches!(masked("a short text: long-enough"), Cow::Borrowed(_)));
    }
}
