//! Where the instructions and the allocations of one request are.

use std::error::Error;

use crate::{
    callgrind::{self, Instructions},
    peers,
    run::Run,
};

/// How many functions are told.
const SHOWN: usize = 40;

pub fn print(run: Run) -> Result<(), Box<dyn Error>> {
    let profile = callgrind::per_request(run)?;
    println!("{run}: {:.0} instructions per request", profile.total);
    // What is further out has nothing to tell.
    let whole = profile.functions.get("cost::run::Run::drive").map_or(f64::INFINITY, |cost| cost.inclusive);
    let print_by = |title: &str, cost: fn(&Instructions) -> f64| {
        println!("\n{title}");
        let mut functions: Vec<_> =
            profile.functions.iter().filter(|(_, cost)| cost.inclusive < whole).collect();
        functions.sort_by(|one, other| cost(other.1).total_cmp(&cost(one.1)));
        for (name, costs) in functions.into_iter().take(SHOWN) {
            println!("{:>10.1}  {name}", cost(costs));
        }
    };
    print_by("in the function itself, with what is inlined into it", |cost| cost.own);
    print_by("in the function and all that it calls", |cost| cost.inclusive);
    print_sites(run)
}

/// Prints where a request allocates, without what it allocates at the peer that this one is measured over.
fn print_sites(run: Run) -> Result<(), Box<dyn Error>> {
    let mut sites = run.sites()?;
    if let Some(peer) = run.peer.over.and_then(peers::find) {
        for (frames, mut bytes) in (Run { peer, ..run }).sites()? {
            // The same place, else the same function called from elsewhere.
            let same = sites.get_mut(&frames).into_iter();
            same.for_each(|found| take_away(found, &mut bytes));
            let near = sites.iter_mut().filter(|(other, _)| other.first() == frames.first());
            near.for_each(|(_, found)| take_away(found, &mut bytes));
        }
    }
    let total: usize = sites.values().map(Vec::len).sum();
    println!("\n{total} allocations per request, without those that are there without the layer");
    for (site, bytes) in sites.iter().filter(|(_, bytes)| !bytes.is_empty()) {
        let bytes: Vec<String> = bytes.iter().map(usize::to_string).collect();
        println!("{} of {} bytes\n    {}", bytes.len(), bytes.join(", "), site.join("\n    "));
    }
    Ok(())
}

/// Takes from one list as much as is in the other.
fn take_away(found: &mut Vec<usize>, bytes: &mut Vec<usize>) {
    let both = found.len().min(bytes.len());
    found.truncate(found.len() - both);
    bytes.truncate(bytes.len() - both);
}
