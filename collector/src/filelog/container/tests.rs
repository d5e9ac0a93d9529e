use super::*;
use proptest::prelude::*;

// B-064
#[test]
fn a_line_of_cri_has_four_parts() {
    let line = |time, stream, tag, text| Some(Cri { time, stream, tag, text });
    let time = "2023-06-22T10:27:25.813799277Z";
    let cases = [
        ("stdout F standalone line", line(time, "stdout", "F", "standalone line")),
        ("stderr P a line that i", line(time, "stderr", "P", "a line that i")),
        ("stdout F   indented ", line(time, "stdout", "F", "  indented ")),
        ("stdout F ", line(time, "stdout", "F", "")),
        ("stdout F", line(time, "stdout", "F", "")),
        ("stdout P:more text", line(time, "stdout", "P:more", "text")),
        ("stdin F text", None),
        ("stdout", None),
        ("", None),
    ];
    for (rest, expected) in cases {
        assert_eq!(Cri::of(&format!("{time} {rest}")), expected, "{rest:?}");
    }
    assert_eq!(Cri::of(" stdout F text"), None);
}

// B-065
#[test]
fn a_line_goes_on_if_its_tag_says_so() {
    let is_partial = |tag: &str| Cri { time: "t", stream: "stdout", tag, text: "" }.is_partial();
    assert_eq!(["P", "P:x", "F", "F:P", "", "PP"].map(is_partial), [true, true, false, false, false, false]);
}

// B-064
#[test]
fn a_path_tells_the_pod() {
    let uid = "49cc7c1fd3702c40b2686ea7486091d6";
    let expected =
        Place { namespace: "some-ns", pod: "kube-controller-kind", uid, container: "kube", restarts: "1" };
    let directory = format!("/var/log/pods/some-ns_kube-controller-kind_{uid}/kube");
    for file in ["1.log", "1.log.20260102-030405"] {
        assert_eq!(Place::of(&format!("{directory}/{file}")), Some(expected), "{file}");
    }
    for file in ["1.log.gz", "1.log.20260102-03040x", "1.txt", "x.log", ".log", ""] {
        assert_eq!(Place::of(&format!("{directory}/{file}")), None, "{file}");
    }
    let others =
        ["/a_b_c_d/x/0.log", "/a_b/x/0.log", "/_b_c/x/0.log", "/a_b_g/x/0.log", "/a_b_c/x.y/0.log", "0.log"];
    assert_eq!(others.map(Place::of), [None; 6]);
}

#[test]
fn times_are_read_to_the_nanosecond_with_their_offset() {
    let cases = [
        ("1970-01-01T00:00:00Z", Some(0)),
        ("1970-01-01T01:00:00+01:00", Some(0)),
        ("2023-06-22T10:27:25.813799277Z", Some(1_687_429_645_813_799_277)),
        ("2024-04-13T07:59:37.505201169-05:00", Some(1_713_013_177_505_201_169)),
        ("2024-02-29T00:00:00.1Z", Some(1_709_164_800_100_000_000)),
        ("2024-02-29T00:00:00.1234567899Z", Some(1_709_164_800_123_456_789)),
        ("1969-12-31T23:59:59Z", None),
        ("2023-02-29T00:00:00Z", None),
        ("2100-02-29T00:00:00Z", None),
        ("2023-13-01T00:00:00Z", None),
        ("2023-01-00T00:00:00Z", None),
        ("2023-01-01T24:00:00Z", None),
        ("2023-01-01T00:60:00Z", None),
        ("2023-01-01 00:00:00Z", None),
        ("2023-01-01T00:00:00", None),
        ("2023-01-01T00:00:00.Z", None),
        ("2023-01-01T00:00:00Zx", None),
        ("2999-01-01T00:00:00Z", None),
        ("", None),
    ];
    for (time, expected) in cases {
        assert_eq!(nanoseconds(time), expected, "{time}");
    }
}

proptest! {
    #[test]
    fn whatever_a_line_says_nothing_panics(line in "\\PC{0,80}") {
        let _ = (Cri::of(&line), Place::of(&line), nanoseconds(&line));
    }

    #[test]
    fn what_was_written_is_read(
        text in "[^\n]{0,40}", tag in "[FP]", stream in "(stdout|stderr)", nanos in 0u64..4_000_000_000_000_000_000,
    ) {
        let time = format!("{}T{:02}:{:02}:{:02}.{:09}Z",
            crate::time::day(nanos), nanos / 3_600_000_000_000 % 24, nanos / 60_000_000_000 % 60,
            nanos / 1_000_000_000 % 60, nanos % 1_000_000_000);
        let line = format!("{time} {stream} {tag} {text}");
        let read = Cri::of(&line).unwrap();
        prop_assert_eq!((read.stream, read.tag, read.text), (&*stream, &*tag, &*text));
        prop_assert_eq!(nanoseconds(read.time), Some(nanos));
    }
}
