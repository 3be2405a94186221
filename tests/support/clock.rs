//! A clock that is set: moves every time that a session has stored, which is the same for the program as
//! moving the clock the other way.

use std::fs::{self, File, FileTimes};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use warmstart::testing::{Entry, Timestamp};

use super::{Session, canary};

pub const HOUR: i64 = 3600;
pub const DAY: i64 = 24 * HOUR;
/// In another year than the present, also in a leap year.
pub const YEAR: i64 = 366 * DAY;

/// Moves what is stored, file times included, by so many seconds: forward as if the clock had been
/// ahead until now, back as if it were ahead from now on.
pub fn shift_stored_times(session: &Session, seconds: i64) {
    session.settle();
    for folder in [session.cache(), session.state()] {
        for file in canary::files(&folder) {
            let Ok(written) = fs::metadata(&file).and_then(|data| data.modified()) else {
                continue;
            };
            shift_content(&file, seconds);
            set_file_time(&file, moved(written, seconds));
            shift_name(&file, seconds);
        }
    }
}

/// Gives every file of the cache and the state this time of last change and last use.
pub fn set_file_times(session: &Session, time: SystemTime) {
    for file in [session.cache(), session.state()].iter().flat_map(|folder| canary::files(folder)) {
        set_file_time(&file, time);
    }
}

/// Ignores a file that is removed meanwhile.
pub fn set_file_time(file: &Path, time: SystemTime) {
    if let Ok(file) = File::open(file) {
        let _ = file.set_times(FileTimes::new().set_modified(time).set_accessed(time));
    }
}

/// `seconds` from now, or before now when negative.
pub fn from_now(seconds: i64) -> SystemTime {
    moved(SystemTime::now(), seconds)
}

fn moved(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time - by } else { time + by }
}

fn shift_content(file: &Path, seconds: i64) {
    let Ok(bytes) = fs::read(file) else { return };
    if let Some(mut entry) = Entry::decode(&bytes) {
        entry.written = Timestamp(entry.written.0 + seconds);
        fs::write(file, entry.encode()).expect("an entry");
        return;
    }
    let Ok(text) = String::from_utf8(bytes) else { return };
    let is_log = file.extension().is_some_and(|kind| kind == "log");
    if is_log || text.is_empty() {
        return;
    }
    let lines = text.lines().map(|line| shifted_line(line, seconds));
    let mut shifted = lines.collect::<Vec<_>>().join("\n");
    if text.ends_with('\n') {
        shifted.push('\n');
    }
    fs::write(file, shifted).expect("a file of the session");
}

/// A line of JSON, or words of which some are times.
fn shifted_line(line: &str, seconds: i64) -> String {
    if let Ok(mut value) = serde_json::from_str::<Value>(line) {
        shift_value(&mut value, seconds);
        return value.to_string();
    }
    let word = |word: &str| match word.parse::<i64>() {
        Ok(number) => shifted(number, seconds).to_string(),
        Err(_) => word.to_owned(),
    };
    line.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn shift_value(value: &mut Value, seconds: i64) {
    match value {
        Value::Number(number) => {
            if let Some(time) = number.as_i64() {
                *value = shifted(time, seconds).into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| shift_value(value, seconds)),
        Value::Object(map) => map.values_mut().for_each(|value| shift_value(value, seconds)),
        _ => {}
    }
}

/// Numbers of the size of a present time, in seconds or in milliseconds, are times.
fn shifted(number: i64, seconds: i64) -> i64 {
    match number {
        1_000_000_000..4_000_000_000 => number + seconds,
        1_000_000_000_000..4_000_000_000_000 => number + seconds * 1000,
        _ => number,
    }
}

/// A log file is named after its day.
fn shift_name(file: &Path, seconds: i64) {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let day = name.strip_prefix("warmstart-").and_then(|rest| rest.strip_suffix(".log"));
    let Some(day) = day.and_then(|day| day.parse::<jiff::civil::Date>().ok()) else { return };
    let other = day.saturating_add(jiff::SignedDuration::from_secs(seconds));
    fs::rename(file, file.with_file_name(format!("warmstart-{other}.log"))).expect("a log file");
}
