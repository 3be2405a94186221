//! Looks up one reference in git's reftable format (`gitformat-reftable`): a stack of tables, each with
//! sorted references in blocks. The files are foreign input: every read is bounded and every offset
//! checked.

use std::path::Path;

use crate::disk;

/// A stack has a few tables: git merges them.
const MAX_LIST_BYTES: u64 = 64 << 10;
/// A table grows with the repository.
const MAX_TABLE_BYTES: u64 = 16 << 20;

/// The value of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// In hex.
    Commit(String),
    /// The name of another reference.
    Symbolic(String),
}

/// What a table has for a reference. `None` in its place: the table is damaged.
enum Record {
    Absent,
    Deleted,
    Found(Value),
}

/// The value of `name` in the stack of `git_dir`; the newest table that has it decides. A damaged table
/// hides the older ones, whose values may be out of date.
pub fn find(git_dir: &Path, name: &str) -> Option<Value> {
    let folder = git_dir.join("reftable");
    let list = disk::read_text(&folder.join("tables.list"), MAX_LIST_BYTES).ok()??;
    let files = list.lines().rev().filter(|file| !file.contains('/') && !file.contains(".."));
    for file in files {
        let bytes = disk::read_bytes(&folder.join(file), MAX_TABLE_BYTES).ok()??;
        match Table::open(&bytes)?.find(name.as_bytes())? {
            Record::Absent => {}
            Record::Deleted => return None,
            Record::Found(value) => return Some(value),
        }
    }
    None
}

/// One file.
struct Table<'a> {
    bytes: &'a [u8],
    header_length: usize,
    /// Blocks begin at multiples of it; 0 for a file without alignment.
    block_size: usize,
    id_length: usize,
}

impl<'a> Table<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let (header_length, id_length) = match (bytes.get(..5)?, bytes.get(24..28)?) {
            (b"REFT\x01", _) => (24, 20),
            (b"REFT\x02", b"sha1") => (28, 20),
            (b"REFT\x02", b"s256") => (28, 32),
            _ => return None,
        };
        let block_size = number(bytes.get(5..8)?);
        Some(Table { bytes, header_length, block_size, id_length })
    }

    fn find(&self, name: &[u8]) -> Option<Record> {
        let mut start = 0;
        loop {
            // The first block shares its place with the file's header.
            let header = if start == 0 { self.header_length } else { start };
            if self.bytes.get(header) != Some(&b'r') {
                return Some(Record::Absent);
            }
            let end = start + number(self.bytes.get(header + 1..header + 4)?);
            match self.records(header + 4, end)?.find(name, self.id_length)? {
                Record::Absent => {}
                record => return Some(record),
            }
            start = if self.block_size > 0 { start + self.block_size } else { end };
        }
    }

    /// The records of a block, without the offsets at its end.
    fn records(&self, begin: usize, end: usize) -> Option<Records<'a>> {
        let offsets = number(self.bytes.get(end.checked_sub(2)?..end)?);
        let end = end.checked_sub(2 + 3 * offsets)?;
        self.bytes.get(begin..end).map(|bytes| Records { bytes })
    }
}

/// What is left of a block.
struct Records<'a> {
    bytes: &'a [u8],
}

impl Records<'_> {
    fn find(mut self, name: &[u8], id_length: usize) -> Option<Record> {
        let mut current = Vec::new();
        while !self.bytes.is_empty() {
            let prefix = self.varint()?;
            let kind_and_length = self.varint()?;
            current.truncate(prefix);
            current.extend_from_slice(self.take(kind_and_length >> 3)?);
            // The change that wrote it.
            self.varint()?;
            let record = self.record(kind_and_length & 7, id_length)?;
            if current == name {
                return Some(record);
            }
        }
        Some(Record::Absent)
    }

    fn record(&mut self, kind: usize, id_length: usize) -> Option<Record> {
        let value = match kind {
            0 => return Some(Record::Deleted),
            1 => Value::Commit(hex(self.take(id_length)?)),
            // A tag, and what it points to.
            2 => Value::Commit(hex(self.take(2 * id_length)?.get(..id_length)?)),
            3 => {
                let length = self.varint()?;
                Value::Symbolic(std::str::from_utf8(self.take(length)?).ok()?.to_owned())
            }
            _ => return None,
        };
        Some(Record::Found(value))
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    /// A number in git's offset encoding, seven bits a byte.
    fn varint(&mut self) -> Option<usize> {
        let mut byte = *self.take(1)?.first()?;
        let mut value = usize::from(byte & 0x7f);
        while byte & 0x80 != 0 {
            byte = *self.take(1)?.first()?;
            value = value.checked_add(1)?.checked_mul(128)? | usize::from(byte & 0x7f);
        }
        Some(value)
    }
}

/// Big-endian.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |value, byte| value << 8 | usize::from(*byte))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A record: the length of the prefix, the rest of the name, kind and value.
    fn record(prefix: u8, rest: &str, kind: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(rest.len()).unwrap();
        // Two bytes where the length and the kind need more than seven bits.
        let number = usize::from(length) << 3 | usize::from(kind);
        let mut bytes = vec![prefix];
        match u8::try_from(number).ok().filter(|number| *number < 0x80) {
            Some(number) => bytes.push(number),
            None => {
                bytes.push(u8::try_from(((number >> 7) - 1) | 0x80).unwrap());
                bytes.push(u8::try_from(number & 0x7f).unwrap());
            }
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes
    }

    fn symbolic(prefix: u8, rest: &str, target: &str) -> Vec<u8> {
        let mut value = vec![u8::try_from(target.len()).unwrap()];
        value.extend_from_slice(target.as_bytes());
        record(prefix, rest, 3, &value)
    }

    /// A table of the blocks with these records; with a block size, blocks are padded to it.
    fn table(version: u8, block_size: u16, blocks: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut bytes = b"REFT".to_vec();
        let size = block_size.to_be_bytes();
        bytes.extend([version, 0, size[0], size[1]]);
        bytes.extend([0; 16]);
        bytes.extend_from_slice(if version == 2 { b"s256" } else { b"" });
        for (at, records) in blocks.iter().enumerate() {
            let start = if at == 0 { 0 } else { bytes.len() };
            let length_at = bytes.len() + 1;
            bytes.extend(b"r\0\0\0");
            bytes.extend(records.concat());
            bytes.extend([0, 0, 28, 0, 1]);
            let length = u16::try_from(bytes.len() - start).unwrap().to_be_bytes();
            bytes[length_at + 1..length_at + 3].copy_from_slice(&length);
            if block_size > 0 {
                bytes.resize(start + usize::from(block_size), 0);
            }
        }
        bytes.extend([0; 68]);
        bytes
    }

    fn find_in(tables: &[Vec<u8>], name: &str) -> Option<Value> {
        let folder = tempfile::tempdir().unwrap();
        let stack = folder.path().join("reftable");
        fs::create_dir(&stack).unwrap();
        let names: Vec<String> = (0..tables.len()).map(|n| format!("0x{n}-x.ref")).collect();
        for (name, bytes) in names.iter().zip(tables) {
            fs::write(stack.join(name), bytes).unwrap();
        }
        fs::write(stack.join("tables.list"), names.join("\n") + "\n").unwrap();
        find(folder.path(), name)
    }

    const ID: [u8; 32] = [0xab; 32];

    fn commit(length: usize) -> Option<Value> {
        Some(Value::Commit("ab".repeat(length)))
    }

    #[test]
    fn a_reference_is_found_in_every_form_of_the_format() {
        let long = "x".repeat(60);
        let records = |id: &[u8]| {
            let first = vec![
                symbolic(0, "HEAD", "refs/heads/main"),
                record(0, "refs/heads/main", 1, id),
                record(11, &long, 1, id),
            ];
            let second = vec![record(0, "refs/tags/v1", 2, &[id, id].concat())];
            [first, second]
        };
        let tables = [
            (table(1, 0, &records(&ID[..20])), 20),
            (table(1, 512, &records(&ID[..20])), 20),
            (table(2, 0, &records(&ID)), 32),
        ];
        for (bytes, length) in tables {
            let stack = [bytes];
            let head = Value::Symbolic("refs/heads/main".into());
            assert_eq!(find_in(&stack, "HEAD"), Some(head));
            assert_eq!(find_in(&stack, "refs/heads/main"), commit(length));
            assert_eq!(find_in(&stack, &format!("refs/heads/{long}")), commit(length));
            assert_eq!(find_in(&stack, "refs/tags/v1"), commit(length));
            assert_eq!(find_in(&stack, "refs/heads/other"), None);
        }
    }

    #[test]
    fn the_newest_table_decides() {
        let old = table(
            1,
            0,
            &[vec![
                symbolic(0, "HEAD", "refs/heads/main"),
                record(0, "refs/heads/main", 1, &ID[..20]),
            ]],
        );
        let new = table(
            1,
            0,
            &[vec![
                symbolic(0, "HEAD", "refs/heads/feature"),
                record(0, "refs/heads/main", 0, b""),
            ]],
        );
        let stack = [old, new];
        let head = Value::Symbolic("refs/heads/feature".into());
        assert_eq!(find_in(&stack, "HEAD"), Some(head));
        assert_eq!(find_in(&stack, "refs/heads/main"), None, "it was deleted");
    }

    #[test]
    fn a_damaged_table_hides_the_older_ones() {
        let older = table(1, 0, &[vec![symbolic(0, "HEAD", "refs/heads/main")]]);
        let mut newer = table(1, 0, &[vec![symbolic(0, "HEAD", "refs/heads/feature")]]);
        newer.truncate(40);
        assert_eq!(find_in(&[older, newer], "HEAD"), None);
    }

    #[test]
    fn damaged_tables_give_nothing_and_do_not_panic() {
        let whole = table(
            1,
            0,
            &[vec![
                symbolic(0, "HEAD", "refs/heads/main"),
                record(0, "refs/heads/main", 1, &ID[..20]),
            ]],
        );
        for length in 0..whole.len() - 68 {
            let _ = find_in(&[whole[..length].to_vec()], "refs/heads/main");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = byte;
                let _ = Table::open(&bytes).and_then(|table| table.find(b"refs/heads/main"));
            }
        }
    }
}
