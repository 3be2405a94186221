//! Runs the futures of a command. A session start has a runtime of its own, in `engine`.

use crate::error::{Code, Failure};

/// Runs one future to its end.
pub fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Code::Internal, format!("no runtime: {error}")))?;
    let value = runtime.block_on(future);
    // A name lookup cannot be cancelled, and the end must not wait for its thread.
    runtime.shutdown_background();
    Ok(value)
}
