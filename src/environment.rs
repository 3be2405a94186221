//! The process environment, read once at the start and then passed as a value.
//! Only `main` takes the snapshot; it is never logged, cached or passed to a child as a whole.

use std::path::PathBuf;

/// A snapshot of the variables. Values that are not UTF-8 are ignored; empty ones count as unset.
#[derive(Clone, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Takes the snapshot of this process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Environment(std::env::vars_os().filter_map(text).collect())
    }

    /// The value of `name`, unless unset or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let variable = self.0.iter().find(|(key, _)| key == name);
        variable.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// An absolute path from `name`; relative ones are ignored, as the XDG specification requires.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// All variables that are set and not empty, in the order of the process.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        all.filter(|(_, value)| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Environment(pairs.into_iter().map(|(n, v)| (n.into(), v.into())).collect())
    }
}
