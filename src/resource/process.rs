//! This process (H-115).

use super::{Found, text};
use opentelemetry::Value;
use std::{
    path::Path,
    time::{Duration, SystemTime},
};

/// What Linux tells programs in, whatever it counts in itself.
const TICKS_PER_SECOND: u64 = 100;

pub(super) fn process(read: &dyn Fn(&str) -> Option<String>) -> Vec<Found> {
    let executable = std::env::current_exe().ok();
    let name = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let texts = [
        ("process.executable.name", executable.as_deref().and_then(name)),
        ("process.executable.path", executable.as_deref().and_then(Path::to_str).map(str::to_owned)),
        // Without the arguments: they may hold secrets.
        ("process.command", std::env::args_os().next().and_then(|command| command.into_string().ok())),
        (
            "process.creation.time",
            creation(read).map(|time| humantime::format_rfc3339_millis(time).to_string()),
        ),
        ("process.owner", user().and_then(|user| name_of(user, &read("/etc/passwd")?))),
    ];
    let found = texts.into_iter().filter_map(|(key, value)| value.map(text(key)));
    let pid = ("process.pid".to_owned(), Value::from(i64::from(std::process::id())));
    [pid].into_iter().chain(found).collect()
}

fn creation(read: &dyn Fn(&str) -> Option<String>) -> Option<SystemTime> {
    let (ticks, boot) = (started(&read("/proc/self/stat")?)?, booted(&read("/proc/stat")?)?);
    let since_boot = Duration::from_millis(ticks.checked_mul(1_000 / TICKS_PER_SECOND)?);
    // A year has four digits in RFC 3339.
    let time =
        Duration::from_secs(boot).checked_add(since_boot).filter(|time| time.as_secs() < 253_402_300_800)?;
    SystemTime::UNIX_EPOCH.checked_add(time)
}

/// How long the process has run.
pub(super) fn age(read: &dyn Fn(&str) -> Option<String>) -> Option<Duration> {
    let started = started(&read("/proc/self/stat")?)?.checked_mul(1_000 / TICKS_PER_SECOND)?;
    let since_boot: f64 = read("/proc/uptime")?.split_ascii_whitespace().next()?.parse().ok()?;
    // Some containers show the time of their own start there: then it may be less.
    Duration::try_from_secs_f64(since_boot).ok()?.checked_sub(Duration::from_millis(started))
}

/// Ticks between the start of the system and that of the process: field 22. The name before it may hold anything.
fn started(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

/// When the system started, in seconds.
fn booted(stat: &str) -> Option<u64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(unix)]
fn user() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").ok().map(|of| of.uid())
}

#[cfg(not(unix))]
fn user() -> Option<u32> {
    None
}

fn name_of(user: u32, users: &str) -> Option<String> {
    let mut named = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        (id.parse() == Ok(user)).then(|| name.to_owned())
    });
    named.next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_of_a_process_is_found_whatever_its_name() {
        let stat = "4711 (a) b (c) R 1 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 12345 1 1 18446744073709551615\n";
        assert_eq!(started(stat), Some(12_345));
        assert_eq!(booted("cpu 1 2\nbtime 1795293870\nprocesses 1\n"), Some(1_795_293_870));
        let files = |path: &str| match path {
            "/proc/self/stat" => Some(stat.to_owned()),
            "/proc/stat" => Some("btime 1795293870\n".to_owned()),
            _ => None,
        };
        assert_eq!(
            creation(&files),
            Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_293_870_000 + 123_450))
        );
    }

    #[test]
    fn what_is_not_such_a_file_tells_nothing() {
        for odd in ["", ")", "1 (a", "1 (a) R 1", "btime", "btime x", "btime 99999999999999999999"] {
            assert_eq!((started(odd), booted(odd)), (None, None), "{odd}");
        }
        let far = |path: &str| match path {
            "/proc/stat" => Some("btime 18446744073709551615".to_owned()),
            _ => Some(format!("1 (a) {}", "18446744073709551615 ".repeat(30))),
        };
        assert_eq!(creation(&far), None);
    }

    #[test]
    fn the_owner_is_who_has_the_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n+::::::\nbroken\napp:x:1000:1000::/:/bin/false\nalias:x:1000:1::/:\n";
        assert_eq!(name_of(0, users).as_deref(), Some("root"));
        assert_eq!(name_of(1000, users).as_deref(), Some("app"));
        assert_eq!(name_of(7, users), None);
    }
}
