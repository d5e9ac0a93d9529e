use super::*;
use proptest::prelude::*;

const ID: &str = "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";
const SANDBOX: &str = "11111111767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605";
const POD: &str = "8a2f3c8e-1c1e-4b0c-9a53-6c0b1a4a7e21";

fn mounts(lines: &[(&str, &str)]) -> String {
    let line =
        |(root, place): &(&str, &str)| format!("1 2 254:1 {root} {place} rw,relatime - ext4 /dev/vda1 rw\n");
    lines.iter().map(line).collect()
}

fn found(groups: &str, mountinfo: &str, kubernetes: bool) -> Option<String> {
    let read = |path: &str| match path {
        "/proc/self/cgroup" => Some(groups.to_owned()),
        "/proc/self/mountinfo" => Some(mountinfo.to_owned()),
        _ => None,
    };
    id(&Mounts::of(&read), kubernetes, &read)
}

#[test]
fn a_control_group_names_the_container_of_every_engine() {
    for path in [
        format!("12:pids:/docker/{ID}"),
        format!("0::/system.slice/docker-{ID}.scope"),
        format!("0::/docker/{ID}/init.scope"),
        format!("1:name=systemd:/kubepods/burstable/pod{POD}/{ID}"),
        format!(
            "11:cpu,cpuacct:/kubepods.slice/kubepods-pod{}.slice/cri-containerd-{ID}.scope",
            POD.replace('-', "_")
        ),
        format!(
            "5:memory:/system.slice/containerd.service/kubepods-besteffort-pod{POD}.slice:cri-containerd:{ID}"
        ),
        format!("0::/kubepods.slice/kubepods-pod{POD}.slice/crio-{ID}"),
        format!("0::/machine.slice/libpod-{ID}.scope/container"),
    ] {
        let groups = format!("3:cpuset:/\n{path}\n");
        assert_eq!(found(&groups, "", false).as_deref(), Some(ID), "{path}");
    }
    let ecs = "5f1b9e0d6c1a4f6f8d1c2b3a4d5e6f70-1234567890";
    assert_eq!(found(&format!("4:memory:/ecs/task/{ecs}\n"), "", false).as_deref(), Some(ecs));
}

#[test]
fn what_is_no_container_has_no_id() {
    for groups in [
        "",
        "0::/\n",
        "0::/user.slice/user-1000.slice/session-2.scope\n",
        "0::/system.slice/cron.service\n",
        "not a control group",
        &format!("0::/system.slice/crio-conmon-{ID}.scope\n"),
        &format!("0::/docker/{}\n", &ID[1..]),
        &format!("0::/docker/{}\n", ID.to_uppercase()),
    ] {
        assert_eq!(found(groups, "", false), None, "{groups}");
    }
}

#[test]
fn where_the_group_is_hidden_the_mounts_of_docker_and_podman_name_the_container() {
    let docker = mounts(&[
        (&format!("/var/lib/docker/containers/{ID}/resolv.conf"), "/etc/resolv.conf"),
        (&format!("/var/lib/docker/containers/{ID}/hostname"), HOSTNAME),
        (&format!("/var/lib/docker/containers/{ID}/hosts"), HOSTS),
    ]);
    assert_eq!(found("0::/\n", &docker, false).as_deref(), Some(ID));
    let root = format!("/containers/storage/overlay-containers/{ID}/userdata/.containerenv");
    assert_eq!(found("0::/\n", &mounts(&[(&root, PODMAN)]), false).as_deref(), Some(ID));
    // A volume of one's own that looks so.
    let volume = mounts(&[(&format!("/var/lib/docker/containers/{ID}/hostname"), "/data")]);
    assert_eq!(found("0::/\n", &volume, false), None);
}

fn of_pod() -> String {
    mounts(&[
        (&format!("/kubelet/pods/{POD}/etc-hosts"), HOSTS),
        (&format!("/kubelet/pods/{POD}/containers/cart/9d1f2b3a"), TERMINATION_LOG),
        (&format!("/containerd/io.containerd.grpc.v1.cri/sandboxes/{SANDBOX}/hostname"), HOSTNAME),
    ])
}

#[test]
fn in_a_pod_the_mounts_name_pod_and_container_but_not_the_containers_id() {
    let docker = format!("/var/lib/docker/containers/{SANDBOX}/hostname");
    let with_docker = format!("{}{}", of_pod(), mounts(&[(&docker, HOSTNAME)]));
    assert_eq!(found("0::/\n", &of_pod(), true), None);
    assert_eq!(found("0::/\n", &with_docker, true), None);
    assert_eq!(found("0::/\n", &with_docker, false), None);
    let read = |path: &str| path.ends_with("/namespace").then(|| "shop\n".to_owned());
    let told = pod(&Mounts::parse(&of_pod()), &read);
    let expected = [("k8s.pod.uid", POD), ("k8s.container.name", "cart"), ("k8s.namespace.name", "shop")];
    assert_eq!(told, expected.map(|(key, value)| text(key)(value.to_owned())));
}

#[test]
fn what_only_looks_like_a_pod_tells_nothing() {
    let odd = mounts(&[
        // A static pod: this is not the id that Kubernetes knows it by.
        ("/kubelet/pods/0123456789abcdef0123456789abcdef/etc-hosts", HOSTS),
        (&format!("/kubelet/pods/{POD}/volumes/cart"), TERMINATION_LOG),
    ]);
    let read = |path: &str| path.ends_with("/namespace").then(|| "not a name\n".to_owned());
    assert_eq!(pod(&Mounts::parse(&odd), &read), []);
    assert_eq!(pod(&Mounts::default(), &|_| None), []);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_file_can_make_it_panic_or_tell_what_is_no_id(groups in ".{0,200}", mountinfo in "([ /:.a-z0-9-]{0,80}\n){0,5}") {
        let id = found(&groups, &mountinfo, false);
        prop_assert!(id.is_none_or(|id| is_id(&id) || id.len() > 33));
        pod(&Mounts::parse(&mountinfo), &|_| Some(groups.clone()));
    }
}
