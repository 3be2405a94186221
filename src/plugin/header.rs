//! Checks by its header whether a file is a shared library for this machine. The dynamic loader's
//! messages mislead (a library for another CPU is "No such file"), and a truncated library does not
//! fail to load: it kills the process. Pure.

/// Checks the bytes of a library.
///
/// # Errors
/// Why it cannot be loaded here, as a predicate that follows the file's name.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    match bytes {
        [] => Err("is empty".into()),
        [0x7f, b'E', b'L', b'F', ..] => elf(bytes),
        [0xcf, 0xfa, 0xed, 0xfe, ..] => mach_o(bytes),
        [0xca, 0xfe, 0xba, 0xbe, ..] if cfg!(target_os = "macos") => Ok(()),
        [b'M', b'Z', ..] => pe(bytes),
        _ => Err(NOT_A_LIBRARY.into()),
    }
}

/// Little-endian numbers at fixed offsets; `None` beyond the end.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn number(&self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.0.get(at..at.checked_add(width)?)?;
        Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte)))
    }
}

const CUT: &str = "is truncated: perhaps it is still being copied or built";
const NOT_A_LIBRARY: &str = "is not a shared library";
const OTHER_CPU: &str = "is for another CPU";

fn elf(bytes: &[u8]) -> Result<(), String> {
    const SHARED: u64 = 3;
    if !cfg!(all(unix, not(target_vendor = "apple"))) {
        return Err("is a library for another system (ELF)".into());
    }
    let fields = Fields(bytes);
    let class = fields.number(4, 1).ok_or(CUT)?;
    let order = fields.number(5, 1).ok_or(CUT)?;
    let wide = usize::BITS == 64;
    if (class == 2) != wide || (order == 1) != cfg!(target_endian = "little") {
        return Err("is for a machine of another word size or byte order".into());
    }
    // `Fields` reads little-endian numbers only: no big-endian host is supported.
    if fields.number(16, 2).ok_or(CUT)? != SHARED {
        return Err(format!("{NOT_A_LIBRARY} (an object file or a program)"));
    }
    let machine = fields.number(18, 2).ok_or(CUT)?;
    if elf_machine().is_some_and(|own| own != machine) {
        return Err(format!("{OTHER_CPU} (ELF machine {machine})"));
    }
    let end = elf_end(&fields, wide).zip(elf_sections_end(&fields, wide)).ok_or(CUT)?;
    if end.0.max(end.1) > bytes.len() as u64 {
        return Err(CUT.into());
    }
    Ok(())
}

/// The end of the last segment that is loaded.
fn elf_end(fields: &Fields<'_>, wide: bool) -> Option<u64> {
    const LOADED: u64 = 1;
    let width = if wide { 8 } else { 4 };
    let table = fields.number(if wide { 32 } else { 28 }, width)?;
    let size = fields.number(if wide { 54 } else { 42 }, 2)?;
    let count = fields.number(if wide { 56 } else { 44 }, 2)?;
    let (offset_at, size_at) = if wide { (8, 32) } else { (4, 16) };
    let mut end = table.checked_add(size.checked_mul(count)?)?;
    for index in 0..count {
        let at = usize::try_from(table.checked_add(index * size)?).ok()?;
        if fields.number(at, 4)? == LOADED {
            let offset = fields.number(at.checked_add(offset_at)?, width)?;
            let length = fields.number(at.checked_add(size_at)?, width)?;
            end = end.max(offset.checked_add(length)?);
        }
    }
    Some(end)
}

/// The end of the section table, which is usually the end of the file.
fn elf_sections_end(fields: &Fields<'_>, wide: bool) -> Option<u64> {
    let table = fields.number(if wide { 40 } else { 32 }, if wide { 8 } else { 4 })?;
    let size = fields.number(if wide { 58 } else { 46 }, 2)?;
    let count = fields.number(if wide { 60 } else { 48 }, 2)?;
    table.checked_add(size.checked_mul(count)?)
}

const fn elf_machine() -> Option<u64> {
    if cfg!(target_arch = "x86_64") {
        Some(62)
    } else if cfg!(target_arch = "aarch64") {
        Some(183)
    } else if cfg!(target_arch = "x86") {
        Some(3)
    } else if cfg!(target_arch = "arm") {
        Some(40)
    } else if cfg!(target_arch = "riscv64") {
        Some(243)
    } else {
        None
    }
}

fn mach_o(bytes: &[u8]) -> Result<(), String> {
    const SHARED: [u64; 2] = [6, 8];
    if !cfg!(target_vendor = "apple") {
        return Err("is a library for another system (Mach-O)".into());
    }
    let fields = Fields(bytes);
    let own = if cfg!(target_arch = "aarch64") { 0x0100_000c } else { 0x0100_0007 };
    match (fields.number(4, 4), fields.number(12, 4)) {
        (Some(machine), _) if machine != own => Err(OTHER_CPU.into()),
        (Some(_), Some(kind)) if SHARED.contains(&kind) => Ok(()),
        (Some(_), Some(_)) => Err(NOT_A_LIBRARY.into()),
        _ => Err(CUT.into()),
    }
}

fn pe(bytes: &[u8]) -> Result<(), String> {
    const LIBRARY: u64 = 0x2000;
    if !cfg!(windows) {
        return Err("is a library for another system (Windows)".into());
    }
    let fields = Fields(bytes);
    let at = fields.number(60, 4).and_then(|at| usize::try_from(at).ok()).ok_or(CUT)?;
    let own = if cfg!(target_arch = "aarch64") { 0xaa64 } else { 0x8664 };
    let at = |more: usize| at.checked_add(more);
    let machine = at(4).and_then(|at| fields.number(at, 2)).ok_or(CUT)?;
    let traits = at(22).and_then(|at| fields.number(at, 2)).ok_or(CUT)?;
    match (machine == own, traits & LIBRARY != 0) {
        (false, _) => Err(OTHER_CPU.into()),
        (_, false) => Err(format!("{NOT_A_LIBRARY} (a program)")),
        _ => Ok(()),
    }
}

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::*;

    /// The smallest valid library: one loaded segment of 200 bytes.
    fn library() -> Vec<u8> {
        let mut bytes = vec![0; 200];
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        bytes[16] = 3;
        bytes[18] = elf_machine().unwrap_or(0).to_le_bytes()[0];
        (bytes[32], bytes[54], bytes[56]) = (64, 56, 1);
        (bytes[64], bytes[96]) = (1, 200);
        bytes
    }

    #[test]
    fn each_unloadable_file_has_its_reason() {
        assert_eq!(check(&library()), Ok(()));
        let changed = |at: usize, to: u8| {
            let mut bytes = library();
            bytes[at] = to;
            check(&bytes).unwrap_err()
        };
        assert!(changed(4, 1).contains("word size"));
        assert!(changed(5, 2).contains("byte order"));
        assert!(changed(16, 2).contains("program"));
        assert!(changed(18, 8).contains("another CPU"));
        assert!(changed(0, b'x').contains("not a shared library"));
        assert!(check(b"").unwrap_err().contains("empty"));
        assert!(check(b"#!/bin/sh\n").unwrap_err().contains("not a shared library"));
        assert!(check(b"MZ\x90").unwrap_err().contains("Windows"));
    }

    #[test]
    fn every_truncation_and_every_changed_byte_is_answered_without_a_panic() {
        let library = library();
        for length in 0..library.len() {
            assert!(check(&library[..length]).is_err(), "cut at {length}");
        }
        for at in 0..library.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = library.clone();
                bytes[at] = value;
                let _ = check(&bytes);
            }
        }
    }
}
