//! How much memory requests may take, by the processor `memory_limiter` (B-068).

use super::components::Component;
use crate::config::file::document::{Flaw, Node};
use std::fs::read_to_string;

const MIB: u64 = 1 << 20;

/// Where Linux says how much memory the process may have: by its control group, of either version, and in all.
const PLACES: [&str; 3] =
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes", "/proc/meminfo"];

/// The limit in bytes: from there on, who sends is told to come again.
pub(super) fn limit(component: &Component<'_>, flaws: &mut Vec<Flaw>) -> Option<usize> {
    let number = |key| component.node.get(key).and_then(Node::count).map(|number| number as u64);
    let parts = [
        (number("limit_mib"), number("limit_percentage")),
        (number("spike_limit_mib"), number("spike_limit_percentage")),
    ];
    let total = match parts.iter().any(|(fixed, part)| fixed.is_none() && part.is_some()) {
        true => available(),
        false => None,
    };
    let [limit, spike] = parts.map(|(fixed, part)| {
        let fixed = fixed.map(|mebibytes| mebibytes.saturating_mul(MIB));
        fixed.or_else(|| Some((total? / 100).saturating_mul(part?)))
    });
    let Some(limit) = limit else {
        let fault = match parts[0].1 {
            Some(_) => "cannot be found out here; write limit_mib",
            None => "is not there; write limit_mib or limit_percentage",
        };
        flaws.push(Flaw::new(component.line, format!("{}: the limit {fault}", component.path("limit_mib"))));
        return None;
    };
    let bytes = limit.saturating_sub(spike.unwrap_or(limit / 5));
    if bytes == 0 {
        let fault = format!(
            "{}: the spike is as large as the limit; nothing could be taken",
            component.path("limit_mib")
        );
        flaws.push(Flaw::new(component.line, fault));
    }
    usize::try_from(bytes).ok()
}

/// The memory that the process may have, in bytes; `None` where nobody says.
fn available() -> Option<u64> {
    let read = |path: &&str| total(&read_to_string(path).ok()?);
    // A group without a limit has a word or a number beyond all memory.
    PLACES.iter().filter_map(read).min()
}

/// Bytes of a control group, or kibibytes of `/proc/meminfo`.
fn total(text: &str) -> Option<u64> {
    match text.strip_prefix("MemTotal:") {
        Some(rest) => rest.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024),
        None => text.trim().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn limits_of_groups_and_the_memory_of_the_machine_are_read() {
        assert_eq!(total("536870912\n"), Some(512 << 20));
        assert_eq!(total("max\n"), None);
        assert_eq!(total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!((total(""), total("MemTotal: much"), total("MemFree: 1 kB")), (None, None, None));
    }
}
