//! Which components belong together, by what the file says of its service.

use super::{
    components::{Component, Components},
    schema::{Group, service},
};
use crate::{
    config::file::{
        check::{check_part, meant},
        document::{Flaw, Node, shown},
    },
    sender::Signal,
};

/// A pipeline, with all that it names.
pub(super) struct Pipeline<'a> {
    pub(super) name: &'a str,
    pub(super) signal: Signal,
    pub(super) receivers: Vec<Component<'a>>,
    pub(super) processors: Vec<Component<'a>>,
    pub(super) exporters: Vec<Component<'a>>,
}

/// What runs.
#[derive(Default)]
pub(super) struct Service<'a> {
    pub(super) pipelines: Vec<Pipeline<'a>>,
    pub(super) extensions: Vec<Component<'a>>,
}

/// Reads what runs. What is not there is told.
pub(super) fn read<'a>(root: &'a Node, components: &Components<'a>, flaws: &mut Vec<Flaw>) -> Service<'a> {
    let mut told = Service::default();
    let Some(node) = root.get("service") else { return told };
    flaws.extend(check_part(node, &service::SERVICE, "service"));
    let extensions = node.get("extensions");
    told.extensions = members(extensions, Group::Extensions, "service.extensions", components, flaws);
    for entry in node.get("pipelines").map(Node::entries).unwrap_or_default() {
        let path = format!("service.pipelines.{}", shown(&entry.key));
        let word = entry.key.split('/').next().unwrap_or_default().trim();
        let Some(signal) = Signal::ALL.into_iter().find(|signal| signal.name() == word) else {
            let fault = format!("{path} is of no signal; begin its name with traces, metrics or logs");
            flaws.push(Flaw::new(entry.line, fault));
            continue;
        };
        flaws.extend(check_part(&entry.node, &service::PIPELINE, &path));
        let mut of = |group: Group| {
            let path = format!("{path}.{}", group.name());
            let members = members(entry.node.get(group.name()), group, &path, components, flaws);
            check_signal(&members, signal, entry.node.get(group.name()), &path, flaws);
            members
        };
        let (receivers, processors, exporters) =
            (of(Group::Receivers), of(Group::Processors), of(Group::Exporters));
        told.pipelines.push(Pipeline { name: &entry.key, signal, receivers, processors, exporters });
    }
    if let Some(pipelines) = node.get("pipelines").filter(|pipelines| pipelines.entries().is_empty()) {
        flaws.push(Flaw::new(pipelines.line, "service.pipelines has none; write traces, metrics or logs"));
    }
    told
}

/// The components that a list names, each once.
fn members<'a>(
    list: Option<&'a Node>,
    group: Group,
    path: &str,
    components: &Components<'a>,
    flaws: &mut Vec<Flaw>,
) -> Vec<Component<'a>> {
    let mut found: Vec<Component<'a>> = Vec::new();
    for (index, member) in list.map(Node::members).unwrap_or_default().iter().enumerate() {
        let Some(name) = member.text() else { continue };
        let path = format!("{path}[{index}]");
        match components.find(group, name) {
            Some(component) if found.iter().any(|known| known.name == component.name) => {
                flaws.push(Flaw::new(member.line, format!("{path} is {} again", shown(name))));
            }
            Some(component) => found.push(component),
            None if components.is_told(group, name) => {}
            None if components.is_off(group, name) => {
                let fault = format!("{path} is {}, which is switched off", shown(name));
                flaws.push(Flaw::new(member.line, fault));
            }
            None => {
                let way_out = match meant(name, components.names(group)) {
                    Some(meant) => format!("did you mean {}?", shown(meant)),
                    None => format!("add it there, or name another: {}", all(components, group)),
                };
                let fault =
                    format!("{path} is {}, which is not among the {}; {way_out}", shown(name), group.name());
                flaws.push(Flaw::new(member.line, fault));
            }
        }
    }
    found
}

fn all(components: &Components<'_>, group: Group) -> String {
    let names: Vec<String> = components.names(group).take(20).map(shown).collect();
    if names.is_empty() { "there are none".to_owned() } else { names.join(", ") }
}

fn check_signal(
    members: &[Component<'_>],
    signal: Signal,
    list: Option<&Node>,
    path: &str,
    flaws: &mut Vec<Flaw>,
) {
    for member in members.iter().filter(|member| !member.kind.signals.contains(&signal)) {
        let line = list.map_or(member.line, |list| list.line);
        let known: Vec<&str> = member.kind.signals.iter().map(|signal| signal.name()).collect();
        let fault = format!(
            "{path}: {} has nothing to do with {}, but with {}",
            shown(member.name),
            signal.name(),
            known.join(", ")
        );
        flaws.push(Flaw::new(line, fault));
    }
}
