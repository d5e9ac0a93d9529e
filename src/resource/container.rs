//! Control groups and mounts: which container, and which pod (H-114).
//!
//! A control group names the container, unless a namespace hides it. Then the files that an engine mounts do, each in
//! its own way; those of a pod are its sandbox's, which is another container.

use super::{Found, text};

/// What is mounted where a container engine mounts: root in the file system, place in ours.
#[derive(Debug, Default)]
pub(super) struct Mounts(Vec<(String, String)>);

impl Mounts {
    pub(super) fn of(read: &dyn Fn(&str) -> Option<String>) -> Self {
        Mounts::parse(&read("/proc/self/mountinfo").unwrap_or_default())
    }

    fn parse(mounts: &str) -> Self {
        let parsed = mounts.lines().filter_map(|line| {
            let mut fields = line.split(' ').skip(3);
            Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
        });
        Mounts(parsed.filter(|(_, place)| PLACES.contains(&place.as_str())).collect())
    }

    fn root(&self, place: &str) -> Option<&str> {
        self.0.iter().rfind(|(_, known)| known == place).map(|(root, _)| root.as_str())
    }

    /// The segments of the root behind this one.
    fn behind<'a>(&'a self, place: &str, segment: &str) -> Option<impl Iterator<Item = &'a str>> {
        let mut segments = self.root(place)?.split('/');
        segments.find(|found| *found == segment)?;
        Some(segments)
    }

    /// The id of the pod, told by the file of hosts that Kubernetes makes for it.
    fn pod(&self) -> Option<&str> {
        let mut segments = self.behind(HOSTS, "pods")?;
        let (uid, file) = (segments.next()?, segments.next()?);
        (is_uuid(uid) && file == "etc-hosts").then_some(uid)
    }
}

const HOSTS: &str = "/etc/hosts";
const HOSTNAME: &str = "/etc/hostname";
const TERMINATION_LOG: &str = "/dev/termination-log";
const PODMAN: &str = "/run/.containerenv";
const PLACES: [&str; 4] = [HOSTS, HOSTNAME, TERMINATION_LOG, PODMAN];

/// Whether this is a container of any kind.
pub(super) fn is_inside(mounts: &Mounts, kubernetes: bool, read: &dyn Fn(&str) -> Option<String>) -> bool {
    let marked = || ["/.dockerenv", PODMAN].iter().any(|path| read(path).is_some());
    kubernetes || id(mounts, kubernetes, read).is_some() || mounts.pod().is_some() || marked()
}

/// The id of the container.
pub(super) fn id(mounts: &Mounts, kubernetes: bool, read: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let by_group = read("/proc/self/cgroup").and_then(|groups| from_groups(&groups).map(str::to_owned));
    let in_pod = kubernetes || mounts.pod().is_some();
    by_group.or_else(|| from_mounts(mounts).filter(|_| !in_pod).map(str::to_owned))
}

/// What the mounts and the service account tell of the pod.
pub(super) fn pod(mounts: &Mounts, read: &dyn Fn(&str) -> Option<String>) -> Vec<Found> {
    let account = || read("/var/run/secrets/kubernetes.io/serviceaccount/namespace");
    let namespace = account().map(|name| name.trim().to_owned()).filter(|name| is_name(name));
    let container = || {
        let mut segments = mounts.behind(TERMINATION_LOG, "pods")?.skip(1);
        (segments.next()? == "containers").then(|| segments.next()).flatten().filter(|name| is_name(name))
    };
    let found = [
        ("k8s.pod.uid", mounts.pod().map(str::to_owned)),
        ("k8s.container.name", container().map(str::to_owned)),
        ("k8s.namespace.name", namespace),
    ];
    found.into_iter().filter_map(|(key, value)| value.map(text(key))).collect()
}

/// The innermost part of a control group that is the id of a container.
fn from_groups(groups: &str) -> Option<&str> {
    let paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let ids = paths.filter_map(|path| path.rsplit(['/', ':']).find_map(from_segment));
    ids.into_iter().next()
}

/// `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `crio-<id>`, `libpod-<id>.scope`; on ECS `<id>-<number>`.
fn from_segment(segment: &str) -> Option<&str> {
    let name = segment.strip_suffix(".scope").unwrap_or(segment);
    // The monitor of a container is another process.
    if name.contains("conmon") {
        return None;
    }
    let id = name.rsplit('-').next().filter(|id| is_id(id));
    id.or_else(|| {
        let (task, number) = name.split_once('-')?;
        let is_task = task.len() == 32 && is_hexadecimal(task);
        (is_task && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
    })
}

/// Docker: `…/containers/<id>/hostname`. Podman: `…/overlay-containers/<id>/userdata/….containerenv`.
fn from_mounts(mounts: &Mounts) -> Option<&str> {
    let first = |place, segment| mounts.behind(place, segment)?.next().filter(|id| is_id(id));
    let docker = [HOSTNAME, HOSTS].into_iter().find_map(|place| first(place, "containers"));
    docker.or_else(|| first(PODMAN, "overlay-containers"))
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && is_hexadecimal(text)
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hexadecimal)
}

/// A label of DNS, as all names of Kubernetes are.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests;
