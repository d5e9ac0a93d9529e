//! Where the collector cannot work, with the way out; `throughline-sender` says more.

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "throughline-collector counts with atomic 64-bit numbers, and this target has none: build for a target of \
     64 bits, ARMv6 and later or i686"
);
