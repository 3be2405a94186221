//! Values for the placeholders of a query: of the session, the repository and, from `[branches]` or
//! the server's list, the server's id of the checked-out branch.

use super::SessionContext;
use crate::deadline::Deadline;
use crate::error::{Class, Code, Failure};
use crate::query::{Bindings, QueryResult, Timeout};
use crate::task::Answer;

/// The query that lists the server's branches.
pub const BRANCHES: &str = "branches";

/// The values that need no request.
#[must_use]
pub fn of_session(session: &SessionContext) -> Bindings {
    let mut bindings = Bindings::new();
    let mut bind = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            bindings.insert(name.to_owned(), value);
        }
    };
    let repository = session.repository.as_ref();
    let branch = repository.and_then(|repository| repository.branch.clone());
    bind("branch.id", branch.as_ref().and_then(|name| session.config.branches.get(name).cloned()));
    bind("git.branch", branch);
    bind("git.commit", repository.and_then(|repository| repository.commit.clone()));
    bind("repository.name", repository.map(crate::repository::Repository::name));
    bind("repository.root", session.root.to_str().map(str::to_owned));
    bind("session.id", session.event.session_id.clone());
    bind("user.id", Some(session.queries.primary().user_id.clone()));
    bindings
}

/// The values for the query `name`; the id of the branch comes from the cached list of branches.
///
/// # Errors
/// Why there is no id.
pub fn with_branch(session: &SessionContext, name: &str) -> Result<Bindings, Failure> {
    let bindings = of_session(session);
    if !needs_branch_id(session, name, &bindings) {
        return Ok(bindings);
    }
    match session.queries.from_disk_or_failure(BRANCHES, &bindings) {
        Ok(branches) => with_id(bindings, &branches),
        Err(Some(cause)) => Err(lookup_failed(branch_name(&bindings)?, cause)),
        Err(None) => Err(not_cached(branch_name(&bindings)?)),
    }
}

/// The same, with `branches` as the list: the answer of this run, however old the cache thinks it is.
///
/// # Errors
/// Why there is no id.
pub fn with_branch_of(
    session: &SessionContext,
    name: &str,
    branches: &QueryResult,
) -> Result<Bindings, Failure> {
    let bindings = of_session(session);
    if needs_branch_id(session, name, &bindings) {
        with_id(bindings, branches)
    } else {
        Ok(bindings)
    }
}

/// The same, with a list that is asked for now.
///
/// # Errors
/// Why there is no id.
pub async fn asking_for_branch(
    session: &SessionContext,
    name: &str,
    timeout: Timeout,
    deadline: Deadline,
) -> Result<Bindings, Failure> {
    let bindings = of_session(session);
    if !needs_branch_id(session, name, &bindings) {
        return Ok(bindings);
    }
    branch_name(&bindings)?;
    let branches = session.queries.live(BRANCHES, &bindings, timeout, deadline).await;
    with_id(bindings, &branches)
}

/// Whether the server's list of branches is needed: a branch is checked out, and not in `[branches]`.
#[must_use]
pub fn needs_branch_list(session: &SessionContext) -> bool {
    let bindings = of_session(session);
    bindings.contains_key("git.branch") && !bindings.contains_key("branch.id")
}

fn needs_branch_id(session: &SessionContext, name: &str, bindings: &Bindings) -> bool {
    let query = session.config.queries.get(name);
    let uses_id = query.is_some_and(|query| {
        query.arguments.values().any(|value| value.to_string().contains("{branch.id}"))
    });
    uses_id && !bindings.contains_key("branch.id")
}

fn branch_name(bindings: &Bindings) -> Result<&str, Failure> {
    bindings.get("git.branch").map(String::as_str).ok_or_else(|| {
        Failure::new(Code::Hook, "no branch is checked out here, so there is no next task for it")
    })
}

fn with_id(mut bindings: Bindings, branches: &QueryResult) -> Result<Bindings, Failure> {
    let name = branch_name(&bindings)?;
    let tasks = branches.answer.as_ref().and_then(Answer::tasks);
    let branch = tasks.and_then(|tasks| tasks.list.iter().find(|branch| branch.title == name));
    let id = match (branch, &branches.provenance.failure) {
        (Some(branch), _) if !branch.id.is_empty() => branch.id.clone(),
        (_, Some(cause)) => return Err(lookup_failed(name, cause.clone())),
        _ => return Err(not_listed(name)),
    };
    bindings.insert("branch.id".into(), id);
    Ok(bindings)
}

fn not_cached(branch: &str) -> Failure {
    let text = format!("the server's id of the branch `{branch}` is not in the cache");
    Failure::new(Code::Hook, text)
        .hint(format!("`warmstart tasks next` asks for it; or {}", add_to_table(branch)))
}

fn not_listed(branch: &str) -> Failure {
    let text = format!("the server lists no branch `{branch}`");
    Failure::new(Code::Hook, text)
        .hint(format!("check `queries.branches`, or {}", add_to_table(branch)))
}

/// Why the list of branches is missing. A server that cannot be reached has a hint of its own; so has a
/// call that lacks an argument (it names the setting). Any other refusal may mean that there is no such
/// tool.
fn lookup_failed(branch: &str, cause: Failure) -> Failure {
    let message = format!("the server's id of the branch `{branch}` is unknown: {}", cause.message);
    let advice = match &cause.hint {
        Some(hint) if hint.contains("`[queries.branches]") => hint.clone(),
        _ => "check `queries.branches`".to_owned(),
    };
    match cause.class() {
        Class::Unavailable | Class::Auth => Failure { message, ..cause },
        _ => Failure { message, ..cause }.hint(format!("{advice}, or {}", add_to_table(branch))),
    }
}

fn add_to_table(branch: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let key = match branch.bytes().all(is_bare) {
        true => branch.to_owned(),
        false => format!("\"{branch}\""),
    };
    format!("add `{key} = \"ID\"` to `[branches]` in hooks.toml")
}
