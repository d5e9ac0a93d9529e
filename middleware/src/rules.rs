//! The options of a layer, prepared for use.

use http::{Method, Uri};
use opentelemetry::{Key, KeyValue, StringValue};

use crate::{
    attributes::{self, bounded},
    options::{self, ClientOptions, Hosts, OnRequest, Scheme, ServerOptions, TrustedProxies},
};

pub(crate) use crate::options::Capture;

/// What both sides go by, and what one of them does.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    known_methods: Vec<(Method, StringValue)>,
    omitted: Vec<Key>,
    pub(crate) http_headers: Captures,
    pub(crate) rpc_metadata: Captures,
    pub(crate) sensitive_query_keys: Vec<String>,
    pub(crate) sampled_by_attributes: bool,
    pub(crate) active_requests: bool,
    pub(crate) body_sizes: bool,
    pub(crate) exception_messages: bool,
    pub(crate) on_request: Option<OnRequest>,
    pub(crate) bound_instruments: bool,

    pub(crate) trusted_proxies: TrustedProxies,
    pub(crate) scheme: Scheme,
    excluded_paths: Vec<String>,
    pub(crate) public_endpoint: bool,
    pub(crate) server_timing: bool,
    pub(crate) request_span: bool,

    pub(crate) injected_hosts: Hosts,
}

/// The headers that are told of a request and of its response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    pub(crate) request: Capture,
    pub(crate) response: Capture,
}

impl Rules {
    /// Returns the method's name; for one that is not known `_OTHER`, and what it is called.
    #[inline]
    pub(crate) fn method<'a>(&self, method: &'a Method) -> (StringValue, Option<&'a str>) {
        match self.known_methods.iter().find(|(known, _)| known == method) {
            Some((_, name)) => (name.clone(), None),
            None => (attributes::OTHER.into(), Some(bounded(method.as_str()))),
        }
    }

    /// Tells whether a target is served without a span.
    #[inline]
    pub(crate) fn exclude(&self, target: &Uri) -> bool {
        self.excluded_paths.iter().any(|excluded| match excluded.strip_suffix('*') {
            Some(beginning) => target.path().starts_with(beginning),
            None => target.path() == excluded,
        })
    }

    /// Tells whether a span does not get an attribute.
    #[inline]
    pub(crate) fn omit(&self, attribute: &KeyValue) -> bool {
        !self.omitted.is_empty() && self.omitted.contains(&attribute.key)
    }

    /// Takes away the attributes that a span does not get.
    pub(crate) fn omit_from(&self, told: &mut Vec<KeyValue>) {
        if !self.omitted.is_empty() {
            told.retain(|attribute| !self.omit(attribute));
        }
    }
}

/// What is no method cannot be a request's either.
fn known_method(name: &str) -> Option<(Method, StringValue)> {
    Some((name.parse().ok()?, attributes::shared(name)))
}

impl From<ServerOptions> for Rules {
    fn from(options: ServerOptions) -> Self {
        Self {
            known_methods: options.known_methods.iter().filter_map(|name| known_method(name)).collect(),
            omitted: options::keys(options.omitted),
            http_headers: Captures {
                request: options.request_headers.keyed(attributes::HTTP_REQUEST_HEADER),
                response: options.response_headers.keyed(attributes::HTTP_RESPONSE_HEADER),
            },
            rpc_metadata: Captures {
                request: options.request_headers.keyed(attributes::RPC_REQUEST_METADATA),
                response: options.response_headers.keyed(attributes::RPC_RESPONSE_METADATA),
            },
            sensitive_query_keys: options.sensitive_query_keys,
            sampled_by_attributes: options.sampled_by_attributes,
            active_requests: options.active_requests,
            body_sizes: options.body_sizes,
            exception_messages: options.exception_messages,
            on_request: options.on_request,
            bound_instruments: options.bound_instruments,
            trusted_proxies: options.trusted_proxies,
            scheme: options.scheme,
            excluded_paths: options.excluded_paths,
            public_endpoint: options.public_endpoint,
            server_timing: options.server_timing,
            request_span: options.request_span,
            injected_hosts: Hosts::default(),
        }
    }
}

impl From<ClientOptions> for Rules {
    fn from(options: ClientOptions) -> Self {
        let common = ServerOptions {
            known_methods: options.known_methods,
            request_headers: options.request_headers,
            response_headers: options.response_headers,
            sensitive_query_keys: options.sensitive_query_keys,
            omitted: options.omitted,
            sampled_by_attributes: options.sampled_by_attributes,
            active_requests: options.active_requests,
            body_sizes: options.body_sizes,
            exception_messages: options.exception_messages,
            on_request: options.on_request,
            bound_instruments: options.bound_instruments,
            ..ServerOptions::default()
        };
        Self { injected_hosts: options.injected_hosts, ..Self::from(common) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(change: impl FnOnce(&mut ServerOptions)) -> Rules {
        let mut options = ServerOptions::default();
        change(&mut options);
        options.into()
    }

    fn told(rules: &Rules, method: &str) -> (String, Option<String>) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let (told, original) = rules.method(&method);
        (told.into(), original.map(String::from))
    }

    #[test]
    fn known_methods_keep_their_name_and_others_are_told_apart_only_on_the_span() {
        // H-020, H-021
        let rules = rules(|_| {});
        for known in attributes::KNOWN_METHODS {
            assert_eq!(told(&rules, known), (known.into(), None));
        }
        for unknown in ["BREW", "ACL", "GeT", "get"] {
            assert_eq!(told(&rules, unknown), ("_OTHER".into(), Some(unknown.into())));
        }
    }

    #[test]
    fn a_list_of_methods_replaces_the_whole_list() {
        // H-020, H-021
        let own = rules(|options| options.known_methods = vec!["GET".into(), "FOO".into()]);
        assert_eq!(told(&own, "FOO"), ("FOO".into(), None));
        assert_eq!(told(&own, "GET"), ("GET".into(), None));
        assert_eq!(told(&own, "POST"), ("_OTHER".into(), Some("POST".into())));
        let none = rules(|options| options.known_methods = Vec::new());
        assert_eq!(told(&none, "GET"), ("_OTHER".into(), Some("GET".into())));
    }

    #[test]
    fn paths_are_excluded_exactly_or_by_their_beginning() {
        let rules = rules(|options| options.excluded_paths = vec!["/healthz".into(), "/internal/*".into()]);
        for (path, is_excluded) in [
            ("/healthz", true),
            ("/healthz/", false),
            ("/health", false),
            ("/internal/", true),
            ("/internal/a/b", true),
            ("/internal", false),
            ("/", false),
        ] {
            assert_eq!(rules.exclude(&Uri::from_static(path)), is_excluded, "{path}");
        }
    }
}
