//! What a project's file sets, for the user who decides on it, and what is reported of a file that is
//! not trusted. Its author chose every key and value, so a session's notice repeats none of them.

use serde_json::{Map, Value};

use super::annotated::AnnotatedSetting;
use super::file::{self, File};
use super::layer::{Origin, Setting};
use super::reference::shown;
use super::trust::{HookKeys, TrustState, needs_no_trust};
use crate::error::{Code, Failure};
use crate::secret::SafeUrl;

/// A project's file that is not trusted.
#[derive(Debug)]
pub struct UntrustedFile {
    /// The path, for messages.
    shown: String,
    state: TrustState,
    /// Why the trust is not known.
    cause: Option<String>,
    /// The keys that require trust.
    refused: Vec<String>,
    /// For problems with the other keys.
    origin: Origin,
}

impl UntrustedFile {
    /// A file of which nothing is refused yet.
    pub(super) fn new(shown: &str, state: TrustState, cause: Option<String>) -> Self {
        let origin = Origin::Line(shown.into(), 0);
        UntrustedFile { shown: shown.to_owned(), state, cause, refused: Vec::new(), origin }
    }

    /// Takes the settings that require trust out of `settings`.
    pub(super) fn refuse(&mut self, settings: &mut Vec<Setting>, hook_keys: HookKeys) {
        settings.retain(|setting| {
            let is_allowed = needs_no_trust(&setting.path, hook_keys);
            if !is_allowed {
                self.refused.push(key(&setting.path));
            }
            is_allowed
        });
        // It must not silence the notice about itself.
        if !self.refused.is_empty() {
            settings.retain(|setting| setting.path != ["session_start", "notice"]);
        }
    }

    /// Whether `origin` is a line of the file.
    pub(super) fn has(&self, origin: &Origin) -> bool {
        matches!(origin, Origin::Line(file, _) if **file == *self.shown)
    }

    /// What is reported once in place of all problems with the file's own keys and values; nothing once
    /// `untrust` was run with this content.
    pub(super) fn problem(&self) -> Option<(&Origin, Failure)> {
        let text = format!("`{}` has settings that cannot be used", self.shown);
        let failure = Failure::new(Code::ConfigValue, text)
            .hint("`warmstart config check` names them; the file is not trusted");
        (self.state != TrustState::Declined).then_some((&self.origin, failure))
    }

    /// What sessions and commands report; nothing once `untrust` was run with this content.
    #[must_use]
    pub fn notice(&self) -> Option<Failure> {
        let ignored = match self.refused.len() {
            _ if self.state == TrustState::Declined => return None,
            0 => return None,
            1 => "1 setting is ignored".to_owned(),
            count => format!("{count} settings are ignored"),
        };
        Some(self.failure(&ignored))
    }

    /// The same with the names of the settings, for `config check`.
    #[must_use]
    pub fn details(&self) -> Option<Failure> {
        const MAX_NAMED: usize = 4;
        let mut keys: Vec<String> = self.refused.iter().take(MAX_NAMED).cloned().collect();
        if self.refused.len() > MAX_NAMED {
            keys.push(format!("{} more", self.refused.len() - MAX_NAMED));
        }
        let ignored = format!("ignored: {}", keys.join(", "));
        (!keys.is_empty()).then(|| self.failure(&ignored))
    }

    fn failure(&self, ignored: &str) -> Failure {
        let (file, state) = (&self.shown, self.state);
        let state = match state {
            TrustState::Changed => "has changed since it was trusted",
            _ => "is not trusted",
        };
        const HINT: &str = "run `warmstart trust` in the project, which shows the file and asks, or `warmstart untrust` to hide this notice";
        Failure::new(Code::FileUntrusted, format!("`{file}` {state}; {ignored}"))
            .hint(self.cause.as_deref().unwrap_or(HINT))
    }
}

/// One setting of a project's file.
pub struct FileSetting {
    pub key: String,
    /// Masked where it is a secret.
    pub value: Value,
    pub needs_trust: bool,
    pub is_known: bool,
}

/// What a project's file sets.
///
/// # Errors
/// `WS101` or `WS103` when the file cannot be used.
pub fn settings_of(
    file: &File,
    known: &[AnnotatedSetting],
    hook_keys: HookKeys,
) -> Result<Vec<FileSetting>, Failure> {
    let settings = file::parse(file)?.into_iter().map(|setting| {
        let (value, is_known) = shown(known, &setting.path, (&setting.value).into());
        let written = super::value::Input::from(&setting.value).to_json();
        let value = unmasked(value, &written, is_form(&setting.path));
        let needs_trust = is_known && !needs_no_trust(&setting.path, hook_keys);
        FileSetting { key: key(&setting.path), value, needs_trust, is_known }
    });
    Ok(settings.collect())
}

/// The path on one line. A part that could be mistaken for more than a name is quoted.
fn key(path: &[String]) -> String {
    let is_odd = |c: char| c.is_whitespace() || c.is_control() || "\"'=.".contains(c);
    let parts = path.iter().map(|part| match part.contains(is_odd) {
        true => Value::from(part.as_str()).to_string(),
        false => part.clone(),
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Whether the setting is a form that names where a secret is kept (`headers.NAME.command`).
fn is_form(path: &[String]) -> bool {
    let [.., table, _, form] = path else { return false };
    table == "headers" && is_form_name(form)
}

fn is_form_name(name: &str) -> bool {
    matches!(name, "env" | "file" | "command")
}

/// The value with what the user agrees to in place of `****`: a program, a file or a URL under the name
/// of a credential is no secret, but decides what is run or where credentials go.
fn unmasked(shown: Value, written: &Value, is_form: bool) -> Value {
    match (shown, written) {
        (Value::String(mask), _) if mask == "****" => {
            place(written, is_form).unwrap_or(mask.into())
        }
        (Value::Object(shown), Value::Object(written)) => {
            let entry = |(name, value): (String, Value)| {
                let value = match written.get(&name) {
                    Some(written) => unmasked(value, written, false),
                    None => value,
                };
                (name, value)
            };
            shown.into_iter().map(entry).collect::<Map<_, _>>().into()
        }
        (Value::Array(shown), Value::Array(written)) => {
            let pairs = shown.into_iter().zip(written);
            pairs.map(|(shown, written)| unmasked(shown, written, false)).collect()
        }
        (shown, _) => shown,
    }
}

/// The value, if it is a place and not a secret: a form, a path, or a URL (without its user part).
fn place(written: &Value, is_form: bool) -> Option<Value> {
    const PATHS: [&str; 4] = ["/", "./", "../", "~/"];
    match written {
        _ if is_form => Some(written.clone()),
        Value::Object(form) if form.keys().all(|name| is_form_name(name)) => Some(written.clone()),
        Value::String(text) if PATHS.iter().any(|start| text.starts_with(start)) => {
            Some(written.clone())
        }
        Value::String(text) if text.contains("://") => {
            SafeUrl::parse(text).ok().map(|url| url.to_string().into())
        }
        _ => None,
    }
}
