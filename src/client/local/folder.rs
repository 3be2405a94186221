//! A folder with one Markdown file a task: an entry of `client.files` whose last segment has a `*`,
//! like `backlog/tasks/*.md`.

use std::fs::{self, DirEntry};
use std::io;
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
    /// The matching files of its folder, which is at `place`. Folders in it are not read.
    pub fn files(&self, place: &Path) -> io::Result<Files> {
        let entries = fs::read_dir(place)?;
        let entries: Vec<DirEntry> = entries.take(MAX_NAMES + 1).collect::<io::Result<_>>()?;
        let is_cut = entries.len() > MAX_NAMES;
        let mut names: Vec<String> =
            entries.iter().filter_map(|entry| self.matching(entry)).collect();
        names.sort_by_cached_key(|name| sort_key(name));
        let surplus = names.len().saturating_sub(MAX_FILES);
        let paths = names.drain(surplus..).map(|name| self.folder.join(name)).collect();
        Ok(Files { paths, has_more: is_cut || surplus > 0 })
    }

    /// The name of a matching file.
    fn matching(&self, entry: &DirEntry) -> Option<String> {
        let name = entry.file_name().into_string().ok()?;
        let kind = entry.file_type().ok()?;
        let is_file = kind.is_file() || kind.is_symlink();
        let rest = name.strip_prefix(self.prefix).and_then(|rest| rest.strip_suffix(self.suffix));
        (is_file && rest.is_some() && !name.starts_with('.')).then_some(name)
    }
}

/// The name with the number of digits before each number, so that `task-2` is before `task-10`.
fn sort_key(name: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let (mut key, mut rest) = (String::new(), name);
    while let Some(start) = rest.find(is_digit) {
        let (text, digits) = rest.split_at(start);
        let end = digits.find(|c| !is_digit(c)).unwrap_or(digits.len());
        let number = digits[..end].trim_start_matches('0');
        key.push_str(&format!("{text}{:03}{number}", number.len()));
        rest = &digits[end..];
    }
    key + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_has_one_star_in_its_last_segment() {
        let pattern = |text: &'static str| pattern(Path::new(text)).map(|p| p.is_some());
        assert!(!pattern("TODO.md").unwrap());
        assert!(pattern("backlog/tasks/*.md").unwrap());
        assert!(pattern("task-*.md").unwrap());
        for wrong in ["*/x.md", "a/**/x.md", "**.md", "a/*", "a/*.json", "*/*.md"] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn files_are_in_the_order_of_their_numbers_and_bounded() {
        let root = tempfile::tempdir().unwrap();
        let tasks = FilePattern { folder: Path::new("tasks"), prefix: "", suffix: ".md" };
        let place = root.path().join("tasks");
        assert!(tasks.files(&place).is_err());
        fs::create_dir_all(place.join("inner.md")).unwrap();
        assert_eq!(tasks.files(&place).unwrap(), Files::default());
        for name in
            ["t-10 - b.md", "t-2 - a.md", "t-2.1 - c.md", ".hidden.md", "t-3.txt", "t-02.md"]
        {
            fs::write(place.join(name), "").unwrap();
        }
        let files = tasks.files(&place).unwrap();
        let names: Vec<_> = files.paths.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["t-2 - a.md", "t-2.1 - c.md", "t-02.md", "t-10 - b.md"]);
        for number in 0..MAX_FILES {
            fs::write(root.path().join(format!("tasks/u-{number}.md")), "").unwrap();
        }
        let files = tasks.files(&place).unwrap();
        assert!(files.has_more && files.paths.len() == MAX_FILES);
        assert!(files.paths.last().unwrap().ends_with(format!("u-{}.md", MAX_FILES - 1)));
    }
}
