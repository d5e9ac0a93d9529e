//! Where these layers cannot work, with the way out.

// There `Instant::now` compiles, and panics on the first request.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "throughline-middleware measures time with the clock of the system, and this target has none: build for \
     wasm32-wasip1 or wasm32-wasip2, or for the machine itself"
);
