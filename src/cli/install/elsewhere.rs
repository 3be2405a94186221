//! Other places from which a host would run this program too: a start would have its tasks twice.

use std::path::{Path, PathBuf};

use super::site::Site;
use crate::disk;
use crate::error::{Code, Failure};
use crate::install::{HostName, Placement, Scope, SettingsFile, registrations};

/// The first other registration of a host, as a failure.
///
/// # Errors
/// Where it is, and the command that removes it.
pub fn check(site: &Site, placement: &Placement, scope: Scope) -> Result<(), Failure> {
    let own = site.path(placement, scope);
    for other in Scope::ALL {
        let Some(path) = site.path(placement, other).filter(|path| Some(path) != own.as_ref())
        else {
            continue;
        };
        let Some(text) = text(&path) else { continue };
        if let Some(entry) = registrations(&text, placement).unwrap_or_default().first() {
            let command =
                format!("`warmstart uninstall {} --scope {}`", placement.name, other.name());
            let place = format!("{}:{}", path.display(), entry.line);
            return Err(twice(placement, &place).hint(format!("{command} removes that entry")));
        }
    }
    match placement.host {
        HostName::Claude => check_plugins(site, placement),
        HostName::Codex => check_codex_toml(own.as_deref(), placement),
        HostName::Copilot => check_copilot(site, placement, own.as_deref()),
        _ => Ok(()),
    }
}

/// Copilot reads every file of its folders of hooks, and `hooks` of its settings.
fn check_copilot(site: &Site, placement: &Placement, own: Option<&Path>) -> Result<(), Failure> {
    let files = [Scope::User, Scope::Project].into_iter();
    let folders =
        files.filter_map(|scope| site.path(placement, scope)?.parent().map(Path::to_owned));
    let folders: Vec<PathBuf> = folders.collect();
    let beside = folders
        .iter()
        .flat_map(|folder| disk::names(folder).into_iter().map(|name| folder.join(name)));
    let beside = beside.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let settings = [
        placement.folder(&site.environment, &site.home).join("settings.json"),
        site.project.join(".github/copilot/settings.json"),
    ];
    for path in beside.chain(settings).filter(|path| Some(path.as_path()) != own) {
        let entries = registrations(&text(&path).unwrap_or_default(), placement);
        if let Some(entry) = entries.unwrap_or_default().first() {
            let place = format!("{}:{}", path.display(), entry.line);
            return Err(twice(placement, &place).hint("remove that entry by hand first"));
        }
    }
    Ok(())
}

fn twice(placement: &Placement, place: &str) -> Failure {
    let title = placement.title;
    let text = format!("{title} runs the program already, by `{place}`; it would run twice");
    Failure::new(Code::ConfigValue, text)
}

/// Plugins of Claude Code that are switched on in one of its files.
fn check_plugins(site: &Site, placement: &Placement) -> Result<(), Failure> {
    for path in Scope::ALL.iter().filter_map(|scope| site.path(placement, *scope)) {
        let Some(text) = text(&path) else { continue };
        let settings: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let plugins = settings["enabledPlugins"].as_object();
        let is_ours = |(name, is_on): &(&String, &serde_json::Value)| {
            name.split('@').next() == Some("warmstart") && is_on.as_bool() == Some(true)
        };
        if let Some((name, _)) = plugins.and_then(|plugins| plugins.iter().find(is_ours)) {
            let place = format!("plugin {name}, {}", path.display());
            return Err(
                twice(placement, &place).hint("switch the plugin off first, or keep it alone")
            );
        }
    }
    Ok(())
}

/// Codex reads hooks of `config.toml` or of `hooks.json` beside it, never of both.
fn check_codex_toml(own: Option<&Path>, placement: &Placement) -> Result<(), Failure> {
    let path: PathBuf = own.unwrap_or(Path::new("hooks.json")).with_file_name("config.toml");
    let Some(text) = text(&path) else { return Ok(()) };
    let table: toml::Table = text.parse().unwrap_or_default();
    let hooks = table.get("hooks").and_then(toml::Value::as_table);
    let has_hooks = hooks.is_some_and(|hooks| hooks.keys().any(|key| key != "state"));
    if !has_hooks {
        return Ok(());
    }
    let text = format!(
        "`{}` has hooks, and {} reads one file of hooks alone",
        path.display(),
        placement.title
    );
    Err(Failure::new(Code::ConfigValue, text)
        .hint("add a `[[hooks.SessionStart]]` there whose command is `warmstart session-start`"))
}

/// Whether the other of Claude Code and Copilot, which reads Claude's files of a project, has an entry.
pub fn shared_with(site: &Site, placement: &Placement, scope: Scope) -> Option<PathBuf> {
    let (other, scopes): (_, &[Scope]) = match placement.host {
        HostName::Copilot => (HostName::Claude, &[Scope::Project, Scope::Local]),
        HostName::Claude if scope != Scope::User => {
            (HostName::Copilot, &[Scope::User, Scope::Project])
        }
        _ => return None,
    };
    let other = Placement::of(other);
    scopes.iter().filter_map(|scope| site.path(other, *scope)).find(|path| {
        let text = text(path).unwrap_or_default();
        registrations(&text, other).is_ok_and(|entries| !entries.is_empty())
    })
}

/// The text of a file; `None` when it is missing or cannot be read.
fn text(path: &Path) -> Option<String> {
    let file = SettingsFile::read(path, Scope::User, Path::new("/")).ok()?;
    let text = file.text().ok()?;
    file.bytes().map(|_| text.trim_start_matches('\u{feff}').to_owned())
}
