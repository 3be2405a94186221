//! A folder with one Markdown file a task: an entry of `client.files` whose last segment has a `*`,
//! like `backlog/tasks/*.md`.

use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Code, Failure};

/// Files that are read; of more those that are last by name, which are the newest by number.
const MAX_FILES: usize = 1000;
/// Names that are looked at in the folder.
const MAX_NAMES: usize = 20_000;

/// An entry with a `*`.
#[derive(Debug, PartialEq, Eq)]
pub struct FilePattern<'a> {
    pub folder: &'a Path,
    prefix: &'a str,
    suffix: &'a str,
}

/// The files of a folder that match.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// By name, numbers in it by their value.
    pub paths: Vec<PathBuf>,
    /// Whether there are more than are read.
    pub has_more: bool,
}

/// The pattern that `file` is; `None` for a name without a `*`.
///
/// # Errors
/// `WS102` when a `*` is elsewhere or the files are not Markdown.
pub fn pattern(file: &Path) -> Result<Option<FilePattern<'_>>, Failure> {
    let text = file.to_str().unwrap_or_default();
    if !text.contains('*') {
        return Ok(None);
    }
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (prefix, suffix) = name.split_once('*').unwrap_or_default();
    let folder = file.parent().unwrap_or(Path::new(""));
    let is_single = text.matches('*').count() == 1 && name.contains('*');
    match is_single && suffix.ends_with(".md") {
        true => Ok(Some(FilePattern { folder, prefix, suffix })),
        false => Err(invalid(text)),
    }
}

fn invalid(text: &str) -> Failure {
    let text = format!("`client.files`: `{text}` must have its one `*` in the last segment");
    Failure::new(Code::ConfigValue, text).hint("write it like `backlog/tasks/*.md`")
}

impl FilePattern<'_> {
    /// The matching files below `root`; `None` without the folder. Other folders in it are not read.
    pub fn files(&self, root: &Path) -> std::io::Result<Option<Files>> {
        let entries = match fs::read_dir(root.join(self.folder)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            entries => entries?,
        };
        let mut names = Vec::new();
        let mut files = Files::default();
        for (number, entry) in entries.enumerate() {
            let entry = entry?;
            if number == MAX_NAMES {
                files.has_more = true;
                break;
            }
            let name = entry.file_name().into_string().unwrap_or_default();
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file() || kind.is_symlink());
            if is_file && self.matches(&name) {
                names.push(name);
            }
        }
        names.sort_by(|left, right| by_number(left, right));
        let surplus = names.len().saturating_sub(MAX_FILES);
        files.has_more |= surplus > 0;
        files.paths = names.drain(..).skip(surplus).map(|name| self.folder.join(name)).collect();
        Ok(Some(files))
    }

    fn matches(&self, name: &str) -> bool {
        let rest = name.strip_prefix(self.prefix).and_then(|rest| rest.strip_suffix(self.suffix));
        rest.is_some() && !name.starts_with('.')
    }
}

/// `task-2` before `task-10`.
fn by_number(left: &str, right: &str) -> Ordering {
    let (mut left_rest, mut right_rest) = (left, right);
    while let (Some(one), Some(other)) = (left_rest.chars().next(), right_rest.chars().next()) {
        let order = match (one.is_ascii_digit(), other.is_ascii_digit()) {
            (true, true) => {
                let (number, rest) = number(left_rest);
                let (other_number, other_rest) = self::number(right_rest);
                (left_rest, right_rest) = (rest, other_rest);
                number.len().cmp(&other_number.len()).then_with(|| number.cmp(other_number))
            }
            _ => {
                left_rest = &left_rest[one.len_utf8()..];
                right_rest = &right_rest[other.len_utf8()..];
                one.cmp(&other)
            }
        };
        if order.is_ne() {
            return order;
        }
    }
    left_rest.len().cmp(&right_rest.len()).then_with(|| left.cmp(right))
}

/// The digits at the beginning without leading zeros, and what follows them.
fn number(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..end].trim_start_matches('0'), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_star_in_its_last_segment() {
        let pattern = |text: &'static str| pattern(Path::new(text)).map(|p| p.is_some());
        assert_eq!(pattern("TODO.md").unwrap(), false);
        assert_eq!(pattern("backlog/tasks/*.md").unwrap(), true);
        assert_eq!(pattern("task-*.md").unwrap(), true);
        for wrong in ["*/x.md", "a/**/x.md", "**.md", "a/*", "a/*.json", "*/*.md"] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_in_the_order_of_their_numbers_and_bounded() {
        let root = tempfile::tempdir().unwrap();
        let tasks = FilePattern { folder: Path::new("tasks"), prefix: "", suffix: ".md" };
        assert_eq!(tasks.files(root.path()).unwrap(), None);
        fs::create_dir_all(root.path().join("tasks/inner.md")).unwrap();
        assert_eq!(tasks.files(root.path()).unwrap(), Some(Files::default()));
        for name in
            ["t-10 - b.md", "t-2 - a.md", "t-2.1 - c.md", ".hidden.md", "t-3.txt", "t-02.md"]
        {
            fs::write(root.path().join("tasks").join(name), "").unwrap();
        }
        let files = tasks.files(root.path()).unwrap().unwrap();
        let names: Vec<_> = files.paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["t-2 - a.md", "t-02.md", "t-2.1 - c.md", "t-10 - b.md"]);
        for number in 0..MAX_FILES {
            fs::write(root.path().join(format!("tasks/u-{number}.md")), "").unwrap();
        }
        let files = tasks.files(root.path()).unwrap().unwrap();
        assert!(files.has_more && files.paths.len() == MAX_FILES);
        assert!(files.paths.last().unwrap().ends_with(format!("u-{}.md", MAX_FILES - 1)));
    }
}
