//! Everything observable, through real sockets, real processes, real peers. One file a promise.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test may look at the environment to see it unchanged")]

mod support;

mod agent; // a file of the OpenTelemetry Collector runs
mod aggregating; // what becomes of single instruments
mod attempts; // how one attempt is made
mod baggage; // of the baggage what was chosen
mod callbacks; // one that fails costs no other
mod carrying; // what leaves its request stays in its trace
mod chain; // two services, one call, one trace, seen at once
mod charts; // from a call to its point on the chart, and back
mod checking; // `throughline check` names what is wrong
mod clients; // calls with hyper, reqwest, tonic
mod collecting; // the program of the collector does what its options and variables say
mod collector; // OTLP in, view out
mod configuration; // variables decide, faults are told
mod console; // telemetry on stdout
mod credentials; // who sends is said, and only to whom it is meant for
mod dashboards; // their charts have something to show
mod delivery; // what is recorded arrives, or is counted
mod dividing; // what is too large arrives in pieces
mod documentation; // README and tables tell the truth
mod encryption; // https, judged by a certificate authority of the test
mod file; // a program goes by its configuration file, or does not start
mod examples; // they do what they say
mod exemplars; // a point on a chart leads to its trace
mod faults; // the other side refuses, hangs, comes and goes
mod idle; // a service without traffic sends nothing and sleeps
mod forwarding; // what a collector acknowledges arrives
mod hosted; // nginx before it all, as before a hosted backend
mod inside; // `tracing` inside a request belongs to it
mod json; // what we send as JSON, judged by other decoders
mod judges; // what we send, judged by others
mod languages; // between services of Node and Python: one trace
mod lifecycle; // start, flush, stop, from any runtime
mod logs; // every line has the ids of its span, and is one line
mod loki; // what goes to Loki, read by another decoder
mod measuring; // the process and its runtime are measured
mod options; // what the variables of the layers say is what is told of requests
mod outage; // what cannot be sent outlives outage and process, and is accounted for
mod pipelines; // each way through a collector is its own
mod propagation; // what arrives goes on
mod scraping; // Prometheus fetches what was measured
mod receiving; // the server of the tests judges to the letter and fails as it is told
mod stopping; // SIGTERM under load loses nothing
mod testing; // what a test asks for is what was recorded, and nothing of other tests
mod troubleshooting; // the page quotes what the program says
mod view; // the collector and its view beside a service, and what a browser makes of it
