//! Counts instructions: runs this program under callgrind and reads its profile.

use std::{collections::BTreeMap, error::Error, fs};

use crate::run::{BATCH, COUNTED, Run};

/// Instructions, of one request once [`per_request`] has made it.
#[derive(Default)]
pub struct Profile {
    pub total: f64,
    pub functions: BTreeMap<String, Instructions>,
}

#[derive(Clone, Copy, Default)]
pub struct Instructions {
    /// In the function itself and what was inlined into it.
    pub own: f64,
    /// With everything that it calls.
    pub inclusive: f64,
}

/// Counts one request of a run: a long drive less a short one, over the requests between them.
///
/// What is made once, at the start and at the end, is in both; what the exporter's thread does is counted too.
pub fn per_request(run: Run) -> Result<Profile, Box<dyn Error>> {
    let short = counted(run, BATCH)?;
    let long = counted(run, BATCH + COUNTED)?;
    let each = |long: f64, short: f64| (long - short) / COUNTED as f64;
    let functions = long.functions.iter().map(|(name, cost)| {
        let before = short.functions.get(name).copied().unwrap_or_default();
        let own = each(cost.own, before.own);
        (name.clone(), Instructions { own, inclusive: each(cost.inclusive, before.inclusive) })
    });
    Ok(Profile { total: each(long.total, short.total), functions: functions.collect() })
}

fn counted(run: Run, requests: usize) -> Result<Profile, Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("throughline-cost-{}-{run}-{requests}", std::process::id()));
    let output = super::child("valgrind")
        .args(["--tool=callgrind", "--fair-sched=yes"])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(std::env::current_exe()?)
        .args(["drive", &run.to_string(), &requests.to_string()])
        .output()?;
    let profile = fs::read_to_string(&file);
    // It may not be there.
    let _ = fs::remove_file(&file);
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    let profile = parse(&profile?);
    if profile.total == 0.0 {
        return Err(format!("{run}: callgrind counted nothing").into());
    }
    Ok(profile)
}

/// Reads callgrind's format, version 1: lines of cost belong to the function named last, but the one after
/// `calls=` is what the function called cost in all.
fn parse(text: &str) -> Profile {
    let mut profile = Profile::default();
    let mut names = BTreeMap::new();
    let (mut function, mut callee) = (String::new(), None);
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("fn=") {
            function = full_name(name, &mut names);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = Some(full_name(name, &mut names));
        } else if let Some(total) = line.strip_prefix("totals: ") {
            profile.total = total.trim().parse().unwrap_or_default();
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost: f64 = line.split(' ').nth(1).and_then(|cost| cost.parse().ok()).unwrap_or_default();
            let called = callee.take();
            // A function's own calls of itself are in what it costs already.
            if called.as_ref() != Some(&function) {
                profile.functions.entry(function.clone()).or_default().inclusive += cost;
            }
            if called.is_none() {
                profile.functions.entry(function.clone()).or_default().own += cost;
            }
        }
    }
    profile
}

/// `(3) name` gives a number to a name, `(3)` alone stands for it from then on.
fn full_name(text: &str, names: &mut BTreeMap<String, String>) -> String {
    let (number, name) = text.split_once(' ').unwrap_or((text, ""));
    if !name.is_empty() {
        names.insert(number.to_owned(), name.to_owned());
    }
    names.get(number).cloned().unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `outer` calls `inner` and itself; `inner` is named by its number from then on.
    const PROFILE: &str = "\
# callgrind format
events: Ir
fl=(1) outer.rs
fn=(1) outer
10 5
cfn=(2) inner
calls=2 20
11 30
cfn=(1)
calls=1 10
12 9
fn=(2)
20 30
fe=(3) inlined.rs
+1 4
totals: 39
";

    #[test]
    fn a_call_is_in_what_the_caller_costs_but_not_its_own() {
        let profile = parse(PROFILE);
        let costs: Vec<_> =
            profile.functions.iter().map(|(name, cost)| (name.as_str(), cost.own, cost.inclusive)).collect();
        assert_eq!(costs, [("inner", 34.0, 34.0), ("outer", 5.0, 35.0)]);
        assert_eq!(profile.total, 39.0);
    }
}
