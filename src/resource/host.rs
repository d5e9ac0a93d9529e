//! The machine and its system (H-116).

use super::{Found, text};
use std::env::consts;

/// In a container both name and id are those of the image or of the container: then nothing is told of them.
pub(super) fn host(inside: bool, read: &dyn Fn(&str) -> Option<String>) -> Vec<Found> {
    let outside = |path: &str| read(path).filter(|_| !inside).map(|text| text.trim().to_owned());
    let name = outside("/proc/sys/kernel/hostname").filter(|name| is_word(name) && name != "(none)");
    let ids = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
    let id = ids.into_iter().find_map(|path| outside(path).filter(|id| is_machine_id(id)));
    let arch = Some(arch(consts::ARCH).to_owned());
    let found = [("host.arch", arch), ("host.name", name), ("host.id", id)];
    found.into_iter().filter_map(|(key, value)| value.map(text(key))).collect()
}

pub(super) fn os(read: &dyn Fn(&str) -> Option<String>) -> Vec<Found> {
    let release = ["/etc/os-release", "/usr/lib/os-release"].into_iter().find_map(read).unwrap_or_default();
    let found = [
        ("os.type", os_type(consts::OS).map(str::to_owned)),
        ("os.name", field(&release, "NAME")),
        ("os.version", field(&release, "VERSION_ID")),
        ("os.description", field(&release, "PRETTY_NAME")),
    ];
    found.into_iter().filter_map(|(key, value)| value.map(text(key))).collect()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// All zeros, or `uninitialized`, is what an image has before its first start.
fn is_machine_id(id: &str) -> bool {
    id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.bytes().any(|byte| byte != b'0')
}

/// The words of the conventions for those of the compiler.
fn arch(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

fn os_type(os: &str) -> Option<&'static str> {
    Some(match os {
        "linux" => "linux",
        "macos" => "darwin",
        "windows" => "windows",
        "freebsd" => "freebsd",
        "netbsd" => "netbsd",
        "openbsd" => "openbsd",
        "dragonfly" => "dragonflybsd",
        "solaris" => "solaris",
        "aix" => "aix",
        _ => return None,
    })
}

/// A value of `os-release`, as a shell would read it, without variables.
fn field(release: &str, name: &str) -> Option<String> {
    let set = |line: &str| {
        line.trim().strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned)
    };
    let value = release.lines().filter_map(set).next_back()?;
    let bare = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let mut plain = String::new();
    let mut characters = bare.unwrap_or(&value).chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn told(found: Vec<Found>) -> BTreeMap<String, String> {
        found.into_iter().map(|(key, value)| (key, value.to_string())).collect()
    }

    const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"13\"\n\
                          # NAME=comment\nID=debian\n";

    #[test]
    fn the_system_is_that_of_its_release_file() {
        let read = |path: &str| (path == "/usr/lib/os-release").then(|| DEBIAN.to_owned());
        let expected = [
            ("os.description", "Debian GNU/Linux 13 (trixie)"),
            ("os.name", "Debian GNU/Linux"),
            ("os.type", os_type(consts::OS).unwrap()),
            ("os.version", "13"),
        ];
        assert_eq!(told(os(&read)), expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert_eq!(field("NAME='a b'\nNAME=last", "NAME").as_deref(), Some("last"));
        assert_eq!(field("NAME=\"a \\\"b\\\" \\$c\"", "NAME").as_deref(), Some("a \"b\" $c"));
        for odd in ["", "NAME", "NAME=", "NAME=\"\"", "NAMES=x", "NAME=\\"] {
            assert_eq!(field(odd, "NAME"), None, "{odd}");
        }
    }

    #[test]
    fn a_host_has_a_name_and_an_id_and_a_container_has_neither() {
        let files = |path: &str| match path {
            "/proc/sys/kernel/hostname" => Some("box\n".to_owned()),
            "/etc/machine-id" => Some("0".repeat(32)),
            "/var/lib/dbus/machine-id" => Some("4d63009a8d0f11eeaad74c796ed8e320\n".to_owned()),
            _ => None,
        };
        let arch = ("host.arch".to_owned(), arch(consts::ARCH).to_owned());
        let outside = [
            arch.clone(),
            ("host.id".to_owned(), "4d63009a8d0f11eeaad74c796ed8e320".to_owned()),
            ("host.name".to_owned(), "box".to_owned()),
        ];
        assert_eq!(told(host(false, &files)), outside.into());
        assert_eq!(told(host(true, &files)), [arch.clone()].into());
        let odd = |path: &str| {
            Some(if path.ends_with("hostname") { "(none)\n" } else { "uninitialized\n" }.to_owned())
        };
        assert_eq!(told(host(false, &odd)), [arch].into());
    }
}
