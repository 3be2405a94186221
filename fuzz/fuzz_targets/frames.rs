//! The reader of what a plugin's process writes, and everything that is read out of it after that: no
//! bytes may make it panic, and the portions they come in may not matter.
//! `cargo +nightly fuzz run frames`, or by hand with the flags in `plugins/README.md`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmstart::plugin::frame::{Frame, Frames};
use warmstart::plugin::{Fault, Manifest, wire};

fn read_all(bytes: &[u8], portion: usize) -> Result<Vec<Frame>, Fault> {
    let mut frames = Frames::default();
    let mut found = Vec::new();
    for part in bytes.chunks(portion) {
        frames.feed(part)?;
        while let Some(frame) = frames.next_frame()? {
            found.push(frame);
        }
    }
    Ok(found)
}

fuzz_target!(|bytes: &[u8]| {
    let portion = usize::from(bytes.first().copied().unwrap_or(0) % 64) + 1;
    let whole = read_all(bytes, bytes.len().max(1));
    assert_eq!(whole, read_all(bytes, portion));
    for frame in whole.unwrap_or_default() {
        // Not the same value: the last digits of a number may differ.
        let again = read_all(&frame.encode(), 4096).expect("what was read can be written");
        assert_eq!(again.len(), 1);
        let Frame::Reply(reply) = frame else { continue };
        let _ = Manifest::read(&reply);
        let Ok(read) = wire::read_reply(reply) else { continue };
        match read {
            Err(complaint) => drop(complaint.failure("fuzzed")),
            Ok(ok) => {
                let _ = wire::read_decision(&ok);
                let _ = wire::read_tasks(&ok);
                let _ = wire::read_sections(&ok);
            }
        }
    }
});
