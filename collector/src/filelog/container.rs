//! Lines of containers, as their runtimes write them, and what the path of their file tells.

/// A line that the kubelet's runtimes write: `2024-01-02T03:04:05.6Z stdout F text`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CriLine<'a> {
    /// When it was written. containerd's ends with `Z`, CRI-O's with an offset.
    pub(super) time: &'a str,
    /// `stdout` or `stderr`.
    pub(super) stream: &'a str,
    /// `F`, or `P` if the line goes on in the next one.
    pub(super) tag: &'a str,
    /// What the container wrote.
    pub(super) log: &'a str,
}

impl<'a> CriLine<'a> {
    /// Takes a line apart (B-064).
    pub(super) fn of(line: &'a str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (stream, rest) = rest.split_once(' ')?;
        let is_time = match time.strip_suffix('Z') {
            Some(time) => !time.is_empty() && !time.contains(['^', 'Z']),
            None => !time.is_empty() && !time.contains('Z'),
        };
        if !is_time || !matches!(stream, "stdout" | "stderr") || rest.contains('\n') {
            return None;
        }
        let (tag, log) = rest.split_once(' ').unwrap_or((rest, ""));
        Some(CriLine { time, stream, tag, log })
    }

    /// Whether containerd writes its times so.
    pub(super) fn is_of_containerd(&self) -> bool {
        self.time.ends_with('Z')
    }
}

/// What the path of a container's log tells: `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pod<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) uid: &'a str,
    pub(super) container: &'a str,
    pub(super) restarts: &'a str,
}

impl<'a> Pod<'a> {
    /// Reads a path, with slashes of either kind.
    pub(super) fn of(path: &'a str) -> Option<Self> {
        let mut parts = path.rsplitn(4, ['/', '\\']);
        let restarts = parts.next()?.strip_suffix(".log")?;
        let (container, pod) = (parts.next()?, parts.next()?);
        parts.next()?;
        let mut names = pod.split('_');
        let (namespace, name, uid) = (names.next()?, names.next()?, names.next()?);
        let is_uid = |byte: u8| matches!(byte, b'a'..=b'f' | b'0'..=b'9' | b'-');
        let is_whole = names.next().is_none()
            && !restarts.is_empty()
            && restarts.bytes().all(|byte| byte.is_ascii_digit())
            && !container.is_empty()
            && !container.contains(['.', '_'])
            && !namespace.is_empty()
            && !name.is_empty()
            && !uid.is_empty()
            && uid.bytes().all(is_uid);
        is_whole.then_some(Pod { namespace, name, uid, container, restarts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filelog::pattern::compiled;
    use proptest::prelude::*;

    /// As the standard's own collector describes them (B-064).
    const CRIO: &str = "^(?P<time>[^ Z]+) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$";
    const CONTAINERD: &str = "^(?P<time>[^ ^Z]+Z) (?P<stream>stdout|stderr) (?P<logtag>[^ ]*) ?(?P<log>.*)$";
    const PATH: &str = r"^.*(\/|\\)(?P<namespace>[^_]+)_(?P<pod>[^_]+)_(?P<uid>[a-f0-9\-]+)(\/|\\)(?P<container>[^\._]+)(\/|\\)(?P<restarts>\d+)\.log$";

    // B-064
    #[test]
    fn lines_and_paths_are_taken_apart() {
        let line =
            CriLine::of("2023-06-22T10:27:25.813799277Z stdout P multiline containerd line that i").unwrap();
        assert_eq!(
            line,
            CriLine {
                time: "2023-06-22T10:27:25.813799277Z",
                stream: "stdout",
                tag: "P",
                log: "multiline containerd line that i"
            }
        );
        assert!(line.is_of_containerd());
        let line = CriLine::of("2024-04-13T07:59:37.505201169-05:00 stderr F").unwrap();
        assert_eq!((line.stream, line.tag, line.log, line.is_of_containerd()), ("stderr", "F", "", false));
        assert_eq!(
            Pod::of("/var/log/pods/some_kube-control_49cc7c1fd3702c40b2686ea7486091d6/kube-controller/1.log"),
            Some(Pod {
                namespace: "some",
                name: "kube-control",
                uid: "49cc7c1fd3702c40b2686ea7486091d6",
                container: "kube-controller",
                restarts: "1"
            })
        );
    }

    proptest! {
        #[test]
        fn lines_are_read_as_the_patterns_say(line in "([ Z^F\n{]|stdout|stderr|[0-9]|.){0,12}") {
            let expected = [CRIO, CONTAINERD].into_iter().find_map(|pattern| {
                let found = compiled(pattern).unwrap();
                let found = found.captures(&line)?;
                let part = |name| found.name(name).unwrap().as_str().to_owned();
                Some([part("time"), part("stream"), part("logtag"), part("log")])
            });
            let read = CriLine::of(&line).map(|line| [line.time, line.stream, line.tag, line.log].map(str::to_owned));
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn paths_are_read_as_the_pattern_says(path in r"([a-f_/.-]|\\|[0-9]|\.log|x){0,16}(\.log)?") {
            let pattern = compiled(PATH).unwrap();
            let expected = pattern.captures(&path).map(|found| {
                ["namespace", "pod", "uid", "container", "restarts"].map(|name| found[name].to_owned())
            });
            let read = Pod::of(&path).map(|pod| {
                [pod.namespace, pod.name, pod.uid, pod.container, pod.restarts].map(str::to_owned)
            });
            // A slash inside of a name is no name.
            if expected.iter().flatten().all(|part| !part.contains(['/', '\\'])) {
                prop_assert_eq!(read, expected);
            }
        }
    }
}
