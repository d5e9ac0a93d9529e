//! Where this crate cannot work, with the way out; `throughline-sender` says more.

#[cfg(not(target_has_atomic = "64"))]
compile_error!(
    "throughline counts with atomic 64-bit numbers, and this target has none: build for a target of 64 bits, \
     ARMv6 and later or i686; throughline-middleware alone does not need them"
);
