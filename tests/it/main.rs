//! Everything observable, through real sockets. One file a promise.

mod support;
