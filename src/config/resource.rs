//! Who is speaking, decided from the variables (E-02, E-03, H-114).

use super::{
    AttributeValue, credentials::decode, env, env::Environment, env::Variable, selection::Selection,
};

/// One source of attributes of the resource. See [`crate::resource`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detector {
    /// `process.*`.
    Process,
    /// `host.*`.
    Host,
    /// `os.*`.
    Os,
    /// `container.id`.
    Container,
    /// `k8s.*`.
    Kubernetes,
}

impl Detector {
    /// All of them.
    pub const ALL: [Detector; 5] =
        [Detector::Process, Detector::Host, Detector::Os, Detector::Container, Detector::Kubernetes];
    /// Their names in the variable, in the order of [`Detector::ALL`]; last the name of no detector.
    pub(super) const NAMES: [&str; 6] = ["process", "host", "os", "container", "kubernetes", "none"];

    pub(super) fn read(environment: &mut Environment) -> Vec<Detector> {
        let Some(names) = environment.choices(&env::RESOURCE_DETECTORS) else {
            return Detector::ALL.to_vec();
        };
        Detector::named(&names)
    }

    /// Those of these names, in the order of all.
    pub(super) fn named(names: &[&str]) -> Vec<Detector> {
        let named = Detector::ALL.into_iter().zip(Detector::NAMES);
        named.filter(|(_, name)| names.contains(name)).map(|(detector, _)| detector).collect()
    }
}

/// What only a configuration file says of the resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ByFile {
    /// What of all that the detectors find.
    pub(crate) detected: Selection,
    pub(crate) schema_url: Option<String>,
}

/// The variables that stand for attributes.
const KUBERNETES: [(&str, &Variable); 7] = [
    ("k8s.cluster.name", &env::K8S_CLUSTER_NAME),
    ("k8s.container.name", &env::K8S_CONTAINER_NAME),
    ("k8s.deployment.name", &env::K8S_DEPLOYMENT_NAME),
    ("k8s.namespace.name", &env::K8S_NAMESPACE_NAME),
    ("k8s.node.name", &env::K8S_NODE_NAME),
    ("k8s.pod.name", &env::K8S_POD_NAME),
    ("k8s.pod.uid", &env::K8S_POD_UID),
];

/// What the downward API tells; `None` outside of Kubernetes, where such variables tell nothing true.
pub(super) fn kubernetes(environment: &Environment) -> Option<Vec<(String, String)>> {
    environment.text(&env::KUBERNETES, None)?;
    let told = KUBERNETES.into_iter().filter_map(|(attribute, variable)| {
        Some((attribute.to_owned(), environment.text(variable, None)?.value))
    });
    Some(told.collect())
}

/// O-091: any fault discards the whole variable.
pub(super) fn attributes(environment: &mut Environment) -> Vec<(String, AttributeValue)> {
    let Some(found) = environment.text(&env::RESOURCE_ATTRIBUTES, None) else { return vec![] };
    pairs(&found.value).unwrap_or_else(|| {
        environment
            .fault(&found.name, "is not key=value,key=value with percent-encoding; all of it is ignored");
        vec![]
    })
}

/// `key=value` with commas between them; `None`: one of them is not.
pub(super) fn pairs(text: &str) -> Option<Vec<(String, AttributeValue)>> {
    let members = text.split(',').filter(|member| !member.trim().is_empty());
    members
        .map(|member| {
            let (key, value) = member.split_once('=')?;
            let key = decode(key)?;
            (!key.is_empty()).then_some((key, decode(value)?.into()))
        })
        .collect()
}
