//! The reader of a plugin process's output and the parsers behind it: no bytes may make them panic,
//! and the result must not depend on how the bytes are split.
//! `cargo +nightly fuzz run frames`, or by hand with the flags in `plugins/README.md`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmstart::testing::{Fault, Frame, Frames, Manifest, wire};

fn read_all(bytes: &[u8], portion: usize) -> Result<Vec<Frame>, Fault> {
    let mut frames = Frames::default();
    let mut read = Vec::new();
    for part in bytes.chunks(portion) {
        frames.feed(part)?;
        while let Some(frame) = frames.next_frame()? {
            read.push(frame);
        }
    }
    Ok(read)
}

fuzz_target!(|bytes: &[u8]| {
    let portion = usize::from(bytes.first().copied().unwrap_or(0) % 64) + 1;
    let frames = read_all(bytes, bytes.len().max(1));
    assert_eq!(frames, read_all(bytes, portion));
    for frame in frames.unwrap_or_default() {
        // Only the count: the last digits of a number may differ.
        let again = read_all(&frame.encode(), 4096).expect("a frame that was read can be encoded");
        assert_eq!(again.len(), 1);
        let Frame::Reply(reply) = frame else { continue };
        let _ = Manifest::read(&reply);
        let Ok(read) = wire::read_reply(reply) else { continue };
        match read {
            Err(error) => drop(error.failure("fuzzed")),
            Ok(ok) => {
                let _ = wire::read_decision(&ok);
                let _ = wire::read_tasks(&ok);
                let _ = wire::read_sections(&ok);
            }
        }
    }
});
