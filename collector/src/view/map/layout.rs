//! Where nodes and edges are: in columns from callers to called, the same each time for the same map.
//!
//! Edges that would lead round in a circle lead back. An edge over several columns has a place in each of them, so that
//! it passes between the nodes.

use crate::map::Map;
use std::collections::HashMap;

/// The size of a node and the space between two, in pixels.
pub(super) const WIDTH: f64 = 178.0;
pub(super) const HEIGHT: f64 = 46.0;
const BETWEEN: f64 = 116.0;
const APART: f64 = 32.0;
const MARGIN: f64 = 28.0;

/// How often the order in the columns is improved.
const SWEEPS: usize = 6;

/// What stands in a column: a node, or an edge that passes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    Node(usize),
    Passing(usize, usize),
}

/// Where everything is, in pixels.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    /// The upper left corners of the nodes.
    pub(super) nodes: Vec<(f64, f64)>,
    /// For each edge the points that its curve goes through.
    pub(super) edges: Vec<Vec<(f64, f64)>>,
}

/// The layout of a map.
pub(super) fn layout(map: &Map) -> Layout {
    let (columns_of, is_back) = columns(map);
    let count = columns_of.iter().max().map_or(0, |last| last + 1);
    let mut columns: Vec<Vec<Place>> = vec![Vec::new(); count];
    for (node, column) in columns_of.iter().enumerate() {
        columns[*column].push(Place::Node(node));
    }
    // From each place to those in the next column.
    let mut next: HashMap<Place, Vec<Place>> = HashMap::new();
    let mut before: HashMap<Place, Vec<Place>> = HashMap::new();
    let mut ways: Vec<Vec<Place>> = Vec::with_capacity(map.edges.len());
    for (number, edge) in map.edges.iter().enumerate() {
        let (from, to) = if is_back[number] { (edge.to, edge.from) } else { (edge.from, edge.to) };
        let mut way = vec![Place::Node(from)];
        for (column, places) in columns.iter_mut().enumerate().take(columns_of[to]).skip(columns_of[from] + 1)
        {
            places.push(Place::Passing(number, column));
            way.push(Place::Passing(number, column));
        }
        way.push(Place::Node(to));
        for pair in way.windows(2) {
            next.entry(pair[0]).or_default().push(pair[1]);
            before.entry(pair[1]).or_default().push(pair[0]);
        }
        if is_back[number] {
            way.reverse();
        }
        ways.push(way);
    }
    for sweep in 0..SWEEPS {
        // By the columns before, from left to right, and by those behind, from right to left.
        let neighbours = if sweep % 2 == 0 { &before } else { &next };
        let order: Vec<usize> =
            if sweep % 2 == 0 { (0..count).collect() } else { (0..count).rev().collect() };
        for column in order {
            let rows: HashMap<Place, usize> = columns
                .iter()
                .flat_map(|places| places.iter().enumerate().map(|(row, place)| (*place, row)))
                .collect();
            let middle = |place: &Place, row: usize| {
                let of: Vec<usize> = neighbours
                    .get(place)
                    .into_iter()
                    .flatten()
                    .filter_map(|it| rows.get(it).copied())
                    .collect();
                if of.is_empty() { row as f64 } else { of.iter().sum::<usize>() as f64 / of.len() as f64 }
            };
            let mut sorted: Vec<(f64, Place)> =
                columns[column].iter().enumerate().map(|(row, place)| (middle(place, row), *place)).collect();
            sorted.sort_by(|(one, _), (other, _)| one.total_cmp(other));
            columns[column] = sorted.into_iter().map(|(_, place)| place).collect();
        }
    }
    placed(map, &columns, &ways)
}

/// The column of each node, and whether each edge leads back.
fn columns(map: &Map) -> (Vec<usize>, Vec<bool>) {
    let mut callees: Vec<Vec<(usize, usize)>> = vec![Vec::new(); map.nodes.len()];
    let mut is_called = vec![false; map.nodes.len()];
    let mut edges: Vec<usize> = (0..map.edges.len()).collect();
    // The order of the edges is that of their calls, which changes: columns must not.
    edges.sort_by_key(|number| (map.edges[*number].from, map.edges[*number].to));
    for number in edges {
        let edge = &map.edges[number];
        callees[edge.from].push((edge.to, number));
        is_called[edge.to] |= edge.from != edge.to;
    }
    let mut is_back = vec![false; map.edges.len()];
    // Depth first, without recursion: an edge to a node whose callees are being visited closes a circle.
    let mut state = vec![0u8; map.nodes.len()];
    let mut done = Vec::with_capacity(map.nodes.len());
    let starts = (0..map.nodes.len()).filter(|node| !is_called[*node]).chain(0..map.nodes.len());
    for start in starts {
        let mut stack = vec![(start, 0)];
        while let Some((node, at)) = stack.pop() {
            if at == 0 {
                if state[node] != 0 {
                    continue;
                }
                state[node] = 1;
            }
            match callees[node].get(at) {
                Some((to, number)) => {
                    stack.push((node, at + 1));
                    match state[*to] {
                        1 => is_back[*number] = true,
                        0 => stack.push((*to, 0)),
                        _ => {}
                    }
                }
                None => {
                    state[node] = 2;
                    done.push(node);
                }
            }
        }
    }
    // Whoever was done last calls nobody that was done later.
    let mut column = vec![0; map.nodes.len()];
    for node in done.into_iter().rev() {
        for (to, number) in &callees[node] {
            if !is_back[*number] {
                column[*to] = column[*to].max(column[node] + 1);
            }
        }
    }
    (column, is_back)
}

fn placed(map: &Map, columns: &[Vec<Place>], ways: &[Vec<Place>]) -> Layout {
    let size = |place: &Place| if matches!(place, Place::Node(_)) { HEIGHT + APART } else { APART };
    let tall: Vec<f64> = columns.iter().map(|places| places.iter().map(size).sum()).collect();
    let height = tall.iter().copied().fold(0.0, f64::max);
    let mut nodes = vec![(0.0, 0.0); map.nodes.len()];
    let mut middles: HashMap<Place, (f64, f64)> = HashMap::new();
    for (column, places) in columns.iter().enumerate() {
        let x = MARGIN + column as f64 * (WIDTH + BETWEEN);
        let mut y = MARGIN + (height - tall[column]) / 2.0;
        for place in places {
            let middle = y + size(place) / 2.0;
            middles.insert(*place, (x, middle));
            if let Place::Node(node) = place {
                nodes[*node] = (x, middle - HEIGHT / 2.0);
            }
            y += size(place);
        }
    }
    let middle = |place: &Place| middles.get(place).copied().unwrap_or_default();
    let edge = |way: &Vec<Place>| {
        let mut points = Vec::with_capacity(2 * way.len());
        for (at, place) in way.iter().enumerate() {
            let (x, y) = middle(place);
            match (place, at) {
                (Place::Node(_), 0) => points.push((x + WIDTH, y)),
                (Place::Node(_), _) => points.push((x, y)),
                // Through the column, in the direction of the edge.
                (Place::Passing(..), _) => match points.last() {
                    Some((before, _)) if *before > x => points.extend([(x + WIDTH, y), (x, y)]),
                    _ => points.extend([(x, y), (x + WIDTH, y)]),
                },
            }
        }
        points
    };
    let count = columns.len() as f64;
    Layout {
        width: 2.0 * MARGIN + count * WIDTH + (count - 1.0).max(0.0) * BETWEEN,
        height: 2.0 * MARGIN + height,
        nodes,
        edges: ways.iter().map(edge).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::{Edge, Figures, Node, Role};

    fn map(nodes: usize, edges: &[(usize, usize)]) -> Map {
        let node = |number: usize| Node {
            id: number.to_string(),
            name: number.to_string(),
            role: Role::Service,
            system: None,
            figures: Figures::default(),
        };
        let edge = |(from, to): &(usize, usize)| Edge { from: *from, to: *to, figures: Figures::default() };
        Map {
            nodes: (0..nodes).map(node).collect(),
            edges: edges.iter().map(edge).collect(),
            ..Map::default()
        }
    }

    #[test]
    fn callers_stand_left_of_whom_they_call_and_circles_lead_back() {
        // 3 is called by 0 and, over 1 and 2, by 0 as well; 2 calls 1 back, and itself.
        let edges = [(0, 1), (1, 2), (2, 3), (0, 3), (2, 1), (2, 2)];
        let (columns, is_back) = columns(&map(4, &edges));
        assert_eq!(columns, [0, 1, 2, 3]);
        assert_eq!(is_back, [false, false, false, false, true, true]);
        let layout = layout(&map(4, &edges));
        // An edge over two columns passes each of them.
        assert_eq!(layout.edges[3].len(), 6);
        assert!(layout.edges[3].is_sorted_by(|one, other| one.0 <= other.0), "{layout:?}");
    }

    #[test]
    fn no_two_nodes_overlap_and_all_are_inside_whatever_the_map() {
        let mut state = 88172645463325252u64;
        let mut below = |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % bound as u64) as usize
        };
        for _ in 0..100 {
            let nodes = 1 + below(14);
            let edges: Vec<(usize, usize)> = (0..below(30)).map(|_| (below(nodes), below(nodes))).collect();
            let layout = layout(&map(nodes, &edges));
            for (number, (x, y)) in layout.nodes.iter().enumerate() {
                assert!(*x >= 0.0 && x + WIDTH <= layout.width && *y >= 0.0 && y + HEIGHT <= layout.height);
                let overlaps = |(a, b): &(f64, f64)| (a - x).abs() < WIDTH && (b - y).abs() < HEIGHT;
                assert!(!layout.nodes[number + 1..].iter().any(overlaps), "{layout:?}");
            }
            let reversed: Vec<(usize, usize)> = edges.iter().rev().copied().collect();
            assert_eq!(columns(&map(nodes, &edges)).0, columns(&map(nodes, &reversed)).0);
        }
        assert_eq!(layout(&map(0, &[])).nodes, []);
    }
}
