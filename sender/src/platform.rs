//! Where nothing can be sent, with the way out.

#[cfg(any(target_family = "wasm", not(any(unix, windows))))]
compile_error!(
    "throughline-sender needs the threads, sockets and files of a Unix or of Windows: build for one of them; \
     throughline-middleware alone needs only a clock"
);
