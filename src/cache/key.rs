//! The key of an entry: the server, the identity, the repository, and the question.
//! The file name is a hash of all of it, so that no identity gets the entry of another.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use crate::config::ClientConfig;
use crate::digest;
use crate::task::Query;

/// The server and the credentials that an answer belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(String);

impl Identity {
    /// The identity that a client of this kind has with these settings in this repository;
    /// `credentials` select its data, `own` is what the client adds. `user_id` is an argument of every
    /// question.
    #[must_use]
    pub fn new(
        kind: &str,
        config: &ClientConfig,
        credentials: &[String],
        own: &[String],
        root: &Path,
    ) -> Self {
        let url = config.url.as_ref().map(|url| url.url().as_str().to_owned()).unwrap_or_default();
        let headers =
            config.headers.iter().map(|(name, value)| format!("{name}={}", value.digest()));
        let headers = headers.collect::<Vec<_>>().join("\n");
        let root = root.to_string_lossy();
        let mut parts = vec![kind, url.as_str(), &root, &headers];
        parts.extend(credentials.iter().chain(own).map(String::as_str));
        Identity::of_parts(&parts)
    }

    /// From parts that are already text. Each is preceded by its length, so that two lists of parts
    /// never give the same identity.
    #[must_use]
    pub fn of_parts(parts: &[&str]) -> Self {
        Identity(parts.iter().map(|part| format!("{}:{part};", part.len())).collect())
    }

    /// A short name for files that belong to this identity.
    #[must_use]
    pub fn name(&self) -> String {
        digest::short(&self.0)
    }
}

/// One question of one identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    /// The key of `query` asked as `identity`. Arguments are ordered by name, so their order in a
    /// file does not matter; how the answer is read is included because it selects what is kept.
    #[must_use]
    pub fn new(identity: &Identity, query: &Query) -> Self {
        let arguments = serde_json::to_string(&query.arguments).unwrap_or_default();
        let reading = format!("{:x}", fingerprint(query));
        Key(digest::of_parts(&identity.0, &[&query.tool, &arguments, &query.path, &reading]))
    }

    /// The name of its files, without the ending.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

/// How the answer is read, in 64 bits: only the user's own settings can collide. Another version of the
/// compiler may give another number, which costs one request.
fn fingerprint(query: &Query) -> u64 {
    let mut hasher = DefaultHasher::new();
    (query.answer, &query.reading).hash(&mut hasher);
    hasher.finish()
}
