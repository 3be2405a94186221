//! A JSON text that is changed in single places. Everything outside the changed value keeps its bytes.

use std::ops::Range;

use super::Refusal;
use super::json::{self, Node};
use super::style::{Json, Style, line_indentation, own_line_indentation};

/// One step from a value to one in it.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// The text, without a byte order mark, and its values.
pub struct Document {
    pub text: String,
    pub root: Node,
}

impl Document {
    /// Reads `text`.
    ///
    /// # Errors
    /// Line and column of a mistake.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let root = json::parse(text)?;
        Ok(Document { text: text.to_owned(), root })
    }

    /// The value at `path`.
    pub fn at(&self, path: &[Step<'_>]) -> Option<&Node> {
        path.iter().try_fold(&self.root, |node, step| match step {
            Step::Key(key) => node.get(key),
            Step::Index(index) => node.elements().get(*index),
        })
    }

    /// Sets a member of the object at `path`, in its place or as the last.
    ///
    /// # Errors
    /// When there is no such object.
    pub fn set(&mut self, path: &[Step<'_>], key: &str, value: &Json) -> Result<(), Refusal> {
        let object = self.at(path).ok_or_else(|| missing(path))?;
        if let Some(old) = object.get(key) {
            let range = old.range.clone();
            let indentation = line_indentation(&self.text, range.start).to_owned();
            let style = self.style();
            let is_one_line = !self.text[range.clone()].contains('\n');
            let new =
                if is_one_line { style.line(value) } else { style.lines(value, &indentation) };
            return self.replace(range, &new);
        }
        let object = object.clone();
        self.insert(&object, |style, indentation| {
            let value = indentation.map_or_else(|| style.line(value), |at| style.lines(value, at));
            style.member(key, &value)
        })
    }

    /// Adds an element to the array at `path`, as the last.
    ///
    /// # Errors
    /// When there is no such array.
    pub fn push(&mut self, path: &[Step<'_>], value: &Json) -> Result<(), Refusal> {
        let array = self.at(path).ok_or_else(|| missing(path))?.clone();
        self.insert(&array, |style, indentation| {
            indentation.map_or_else(|| style.line(value), |at| style.lines(value, at))
        })
    }

    /// Removes the member or element that `path` ends with, and its comma.
    ///
    /// # Errors
    /// When there is none.
    pub fn remove(&mut self, path: &[Step<'_>]) -> Result<(), Refusal> {
        let (last, above) = path.split_last().ok_or_else(|| missing(path))?;
        let container = self.at(above).ok_or_else(|| missing(path))?;
        let index = match last {
            Step::Index(index) => Some(*index),
            Step::Key(key) => container.members().iter().rposition(|member| member.key == *key),
        };
        let children = container.children();
        let index = index.filter(|index| *index < children.len()).ok_or_else(|| missing(path))?;
        let range = match (index, children.get(index + 1)) {
            (0, None) => container.range.start + 1..container.range.end - 1,
            (0, Some(next)) => children[0].start..next.start,
            (_, _) => children[index - 1].end..children[index].end,
        };
        self.replace(range, "")
    }

    fn style(&self) -> Style {
        Style::of(&self.text, &self.root)
    }

    /// Adds what `write` makes as the last item of `container`: at an indentation, or on one line.
    fn insert(
        &mut self,
        container: &Node,
        write: impl Fn(&Style, Option<&str>) -> String,
    ) -> Result<(), Refusal> {
        let style = self.style();
        let newline = style.newline;
        let children = container.children();
        let Some(last) = children.last() else {
            let inside = container.range.start + 1..container.range.end - 1;
            if style.is_one_line {
                return self.replace(inside, &write(&style, None));
            }
            let outer = line_indentation(&self.text, container.range.start).to_owned();
            let inner = style.deeper(&outer);
            let item = write(&style, Some(&inner));
            return self.replace(inside, &format!("{newline}{inner}{item}{newline}{outer}"));
        };
        let text = match own_line_indentation(&self.text, last.start) {
            Some(indentation) => {
                format!(",{newline}{indentation}{}", write(&style, Some(indentation)))
            }
            None => format!("{}{}", style.comma(), write(&style, None)),
        };
        self.replace(last.end..last.end, &text)
    }

    fn replace(&mut self, range: Range<usize>, new: &str) -> Result<(), Refusal> {
        self.text.replace_range(range, new);
        self.root = json::parse(&self.text)?;
        Ok(())
    }
}

fn missing(path: &[Step<'_>]) -> Refusal {
    Refusal { message: format!("there is no value at {path:?}"), at: None }
}
