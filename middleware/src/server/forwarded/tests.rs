use super::*;

fn headers<'a>(lines: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, line) in lines {
        headers.append(name.parse::<HeaderName>().unwrap(), line.parse().unwrap());
    }
    headers
}

fn original(proxies: &TrustedProxies, lines: &[(&str, &str)]) -> (String, String, String) {
    let headers = headers(lines);
    let original = Original::of(proxies, Some([10, 0, 0, 1].into()), &headers);
    (
        original.client.map(|client| client.to_string()).unwrap_or_default(),
        original.scheme.map(|scheme| scheme.as_str().to_owned()).unwrap_or_default(),
        original.host.unwrap_or_default().into_owned(),
    )
}

fn told(client: &str, scheme: &str, host: &str) -> (String, String, String) {
    (client.to_owned(), scheme.to_owned(), host.to_owned())
}

fn internal() -> TrustedProxies {
    TrustedProxies::networks(["10.0.0.0/8"]).unwrap()
}

#[test]
fn nobody_else_is_believed() {
    // H-065
    let lines =
        &[("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("forwarded", "for=1.2.3.4")];
    assert_eq!(original(&TrustedProxies::default(), lines), told("", "", ""));
    let elsewhere = TrustedProxies::networks(["192.168.0.0/16"]).unwrap();
    assert_eq!(original(&elsewhere, lines), told("", "", ""));
    assert_eq!(original(&internal(), lines), told("1.2.3.4", "https", ""));
    assert_eq!(original(&internal(), &[]), told("", "", ""));
}

#[test]
fn only_the_family_that_the_proxies_write_is_read() {
    // H-065
    let lines = &[("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=2.2.2.2")];
    assert_eq!(original(&internal(), lines).0, "1.1.1.1");
    assert_eq!(original(&internal().with_headers(ProxyHeaders::Forwarded), lines).0, "2.2.2.2");
}

#[test]
fn the_client_is_the_last_that_is_not_a_proxy_of_ours() {
    // H-063: the left-most where every hop is trusted
    for (line, ours, everybody) in [
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, 10.0.0.7", "203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.0.0.7, 10.0.0.8", "203.0.113.9", "6.6.6.6"),
        ("10.0.0.6, 10.0.0.7", "10.0.0.6", "10.0.0.6"),
        ("203.0.113.9:4711, 10.0.0.7:80", "203.0.113.9", "203.0.113.9"),
        ("[2001:db8::1]:4711", "2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4", "1.2.3.4"),
        ("unknown", "", ""),
        ("6.6.6.6, unknown, 10.0.0.7", "", "6.6.6.6"),
        ("unknown, 6.6.6.6", "6.6.6.6", ""),
        (" , 203.0.113.9 ,, ", "203.0.113.9", "203.0.113.9"),
        ("", "", ""),
        ("1.2.3", "", ""),
        ("1.2.3.4.5:99999", "", ""),
    ] {
        let lines = &[("x-forwarded-for", line)];
        assert_eq!(original(&internal(), lines).0, ours, "{line}");
        assert_eq!(original(&TrustedProxies::everybody(), lines).0, everybody, "{line}");
    }
    let lines = &[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "203.0.113.9, 10.0.0.7")];
    assert_eq!(original(&internal(), lines).0, "203.0.113.9");
}

#[test]
fn scheme_and_host_are_those_of_the_same_hop() {
    // H-032, H-060
    for (lines, expected) in [
        (&[("x-forwarded-proto", "https"), ("x-forwarded-host", "h:8443")][..], told("", "https", "h:8443")),
        // The caller began both lists.
        (
            &[
                ("x-forwarded-for", "6.6.6.6, 203.0.113.9"),
                ("x-forwarded-proto", "http, https"),
                ("x-forwarded-host", "evil, real"),
            ],
            told("203.0.113.9", "https", "real"),
        ),
        // The caller began one list.
        (
            &[("x-forwarded-for", "203.0.113.9"), ("x-forwarded-host", "evil, real")],
            told("203.0.113.9", "", "real"),
        ),
        // Only the outermost proxy tells.
        (
            &[("x-forwarded-for", "203.0.113.9, 10.0.0.7"), ("x-forwarded-proto", "HTTPS")],
            told("203.0.113.9", "https", ""),
        ),
        (&[("x-forwarded-proto", "gopher")], told("", "", "")),
    ] {
        assert_eq!(original(&internal(), lines), expected, "{lines:?}");
    }
}

#[test]
fn where_everybody_is_trusted_all_is_told_of_the_outermost() {
    // H-032, H-060, H-063
    let lines = &[("x-forwarded-proto", "https, http"), ("x-forwarded-host", "outer, inner")];
    assert_eq!(original(&TrustedProxies::everybody(), lines), told("", "https", "outer"));
    let lines = &[&[("x-forwarded-for", "203.0.113.9, 10.0.0.7, 192.0.2.1")], &lines[..]].concat();
    assert_eq!(original(&TrustedProxies::everybody(), lines), told("203.0.113.9", "https", "outer"));
}

#[test]
fn forwarded_is_read_as_the_standard_writes_it() {
    // H-064
    for (line, expected) in [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", told("192.0.2.60", "http", "")),
        ("For=\"[2001:db8:cafe::17]:4711\"", told("2001:db8:cafe::17", "", "")),
        ("for=unknown;proto=https", told("", "https", "")),
        ("for=_hidden", told("", "", "")),
        ("for=192.0.2.43, for=10.0.0.9", told("192.0.2.43", "", "")),
        ("for=192.0.2.43;host=outer, for=10.0.0.9;host=inner", told("192.0.2.43", "", "outer")),
        (
            "for=6.6.6.6;host=evil;proto=http,for=192.0.2.43;proto=https;host=real",
            told("192.0.2.43", "https", "real"),
        ),
        ("for=192.0.2.43;host=\"a:1\" ; proto = https", told("192.0.2.43", "https", "a:1")),
        ("for=192.0.2.43;host=\"a,b;c\\\"d\"", told("192.0.2.43", "", "a,b;c\"d")),
        ("for=\"192.0.2.43", told("", "", "")),
        ("proto=https", told("", "https", "")),
        (";;=;,,for", told("", "", "")),
        ("\"", told("", "", "")),
        ("\\", told("", "", "")),
    ] {
        let proxies = internal().with_headers(ProxyHeaders::Forwarded);
        assert_eq!(original(&proxies, &[("forwarded", line)]), expected, "{line}");
    }
}

#[test]
fn a_caller_who_leaves_a_quote_open_is_not_taken_for_the_proxy_after_him() {
    // H-064, H-065
    let proxies = internal().with_headers(ProxyHeaders::Forwarded);
    for line in [
        r#"for=6.6.6.6;proto=https;host=evil;x=", for=203.0.113.9;proto=http"#,
        r#"for=6.6.6.6;proto=https;host=evil;x="\", for=203.0.113.9;host="real:1""#,
        r#"for=6.6.6.6, for=6.6.6.7;host=evil;x=", for=203.0.113.9"#,
    ] {
        assert_eq!(original(&proxies, &[("forwarded", line)]), told("", "", ""), "{line}");
    }
    let lines = [("forwarded", "for=6.6.6.6;x=\""), ("forwarded", "for=203.0.113.9;proto=http")];
    assert_eq!(original(&proxies, &lines), told("203.0.113.9", "http", ""));
}

#[test]
fn a_chain_without_end_is_not_believed() {
    let long = vec!["1.2.3.4"; 10_000].join(",");
    assert_eq!(original(&internal(), &[("x-forwarded-for", &*long)]), told("", "", ""));
    let lines = vec![("x-forwarded-for", "10.0.0.2"); MOST_HOPS];
    assert_eq!(original(&internal(), &lines).0, "10.0.0.2");
    let lines = vec![("x-forwarded-for", "10.0.0.2"); MOST_HOPS + 1];
    assert_eq!(original(&internal(), &lines).0, "");
}
