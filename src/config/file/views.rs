//! Which instruments are told otherwise: document → the views of a `Config`.

use super::document::{Flaw, Node};
use crate::config::{Aggregation, Config, InstrumentKind, MetricView};

/// What histograms have that advise nothing, as the standard has it.
const DEFAULT_BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0];

pub(super) fn apply(root: &Node, config: &mut Config, flaws: &mut Vec<Flaw>) {
    let views = root.path(&["meter_provider", "views"]).map(Node::members).unwrap_or_default();
    // The file wins over the variable that says the same.
    if !views.is_empty() {
        config.measurements.views.clear();
    }
    for (index, node) in views.iter().enumerate() {
        let view = view(node);
        // Other numbers are looked at one by one.
        let is_bounds = matches!(view.aggregation, Aggregation::ExplicitBuckets(_));
        if let Some(fault) = view.aggregation.fault().filter(|_| is_bounds) {
            let path = format!("meter_provider.views[{index}].stream.aggregation");
            flaws.push(Flaw::new(node.line, format!("{path}: {fault}")));
        }
        config.measurements.views.push(view);
    }
}

fn view(node: &Node) -> MetricView {
    let text = |section, key| Some(node.path(&[section, key])?.text()?.to_owned());
    let stream = |key| node.path(&["stream", key]);
    let keys = stream("attribute_keys").and_then(|keys| keys.get("included")).and_then(Node::list);
    MetricView {
        kind: node.path(&["selector", "instrument_type"]).and_then(Node::text).and_then(kind),
        unit: text("selector", "unit"),
        meter: text("selector", "meter_name"),
        meter_version: text("selector", "meter_version"),
        meter_schema_url: text("selector", "meter_schema_url"),
        name: text("stream", "name"),
        description: text("stream", "description"),
        aggregation: stream("aggregation").map(aggregation).unwrap_or_default(),
        attributes: keys.map(|keys| keys.iter().filter_map(Node::text).map(str::to_owned).collect()),
        cardinality_limit: stream("aggregation_cardinality_limit").and_then(Node::count),
        ..MetricView::of(text("selector", "instrument_name").unwrap_or_else(|| "*".into()))
    }
}

fn aggregation(node: &Node) -> Aggregation {
    let Some((kind, settings)) = node.kind() else { return Aggregation::Default };
    match kind {
        "drop" => Aggregation::Drop,
        "sum" => Aggregation::Sum,
        "last_value" => Aggregation::LastValue,
        "explicit_bucket_histogram" => {
            let bounds = settings.get("boundaries").and_then(Node::list);
            let bounds = bounds.map(|bounds| bounds.iter().filter_map(Node::number).collect());
            Aggregation::ExplicitBuckets(bounds.unwrap_or_else(|| DEFAULT_BOUNDS.to_vec()))
        }
        "base2_exponential_bucket_histogram" => {
            let number = |key| settings.get(key).and_then(Node::integer);
            Aggregation::Exponential {
                max_size: number("max_size").and_then(|size| size.try_into().ok()).unwrap_or(160),
                max_scale: number("max_scale").and_then(|scale| scale.try_into().ok()).unwrap_or(20),
            }
        }
        _ => Aggregation::Default,
    }
}

/// The kinds of instruments, as a file calls them.
pub(super) const KINDS: [(&str, InstrumentKind); 7] = [
    ("counter", InstrumentKind::Counter),
    ("gauge", InstrumentKind::Gauge),
    ("histogram", InstrumentKind::Histogram),
    ("observable_counter", InstrumentKind::ObservableCounter),
    ("observable_gauge", InstrumentKind::ObservableGauge),
    ("observable_up_down_counter", InstrumentKind::ObservableUpDownCounter),
    ("up_down_counter", InstrumentKind::UpDownCounter),
];

fn kind(word: &str) -> Option<InstrumentKind> {
    KINDS.into_iter().find(|(known, _)| *known == word).map(|(_, kind)| kind)
}
