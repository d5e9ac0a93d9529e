//! Where the figures of edges stand: on their curves, where they hide no node and no other figures.

use super::layout::{HEIGHT, Layout, WIDTH};

/// The height of two lines, and the width of a character, in pixels.
const TALL: f64 = 29.0;
const CHARACTER: f64 = 6.4;

/// Where on a piece of a curve figures may stand, the best place first.
const PLACES: [f64; 8] = [0.56, 0.64, 0.48, 0.72, 0.4, 0.8, 0.32, 0.2];

/// How far what leads back to where it comes from reaches sideways, in pixels.
const LOOP: f64 = 60.0;

/// The middle of the figures of an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Label {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    /// Whether it hides nothing there; else it is for those who ask for it.
    pub(super) is_free: bool,
}

/// Places for the figures of all edges, those first that come first; `characters` has the length of each one's longest line.
pub(super) fn labels(layout: &Layout, characters: &[usize]) -> Vec<Label> {
    let mut taken: Vec<(f64, f64, f64, f64)> =
        layout.nodes.iter().map(|(x, y)| (*x, *y, x + WIDTH, y + HEIGHT)).collect();
    let mut labels = Vec::with_capacity(layout.edges.len());
    for (points, characters) in layout.edges.iter().zip(characters) {
        let width = *characters as f64 * CHARACTER + 6.0;
        let frame = |(x, y): (f64, f64)| (x - width / 2.0, y - TALL / 2.0, x + width / 2.0, y + TALL / 2.0);
        let free = places(points).find(|place| {
            let (left, top, right, bottom) = frame(*place);
            !taken.iter().any(|(a, b, c, d)| left < *c && right > *a && top < *d && bottom > *b)
        });
        taken.extend(free.map(frame));
        let (x, y) = free.or_else(|| places(points).next()).unwrap_or_default();
        labels.push(Label { x, y, width, is_free: free.is_some() });
    }
    labels
}

/// Where on a curve figures may stand: in the middle of each piece first, from its end to its beginning.
fn places(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    let pieces = pieces(points);
    PLACES.into_iter().flat_map(move |share| {
        let all: Vec<(f64, f64)> = pieces.iter().rev().map(|piece| at(piece, share)).collect();
        all
    })
}

/// The pieces of a smooth line through the points, level where it passes them: each from a point over two others to the next.
pub(super) fn pieces(points: &[(f64, f64)]) -> Vec<[(f64, f64); 4]> {
    let piece = |pair: &[(f64, f64)]| {
        let [(a, b), (c, d)] = [pair.first(), pair.last()].map(|point| point.copied().unwrap_or_default());
        let is_loop = points.len() == 2 && c < a;
        // What leads back goes around the nodes, below them.
        let (reach, sink) = if is_loop { (LOOP, HEIGHT + 14.0) } else { ((c - a).abs() / 2.0, 0.0) };
        let sign = if is_loop || c >= a { 1.0 } else { -1.0 };
        [(a, b), (a + sign * reach, b + sink), (c - sign * reach, d + sink), (c, d)]
    };
    points.windows(2).map(piece).collect()
}

/// The point of a cubic curve at a share of it.
fn at(piece: &[(f64, f64); 4], share: f64) -> (f64, f64) {
    let rest = 1.0 - share;
    let weights = [rest.powi(3), 3.0 * rest * rest * share, 3.0 * rest * share * share, share.powi(3)];
    piece.iter().zip(weights).fold((0.0, 0.0), |(x, y), ((a, b), weight)| (x + a * weight, y + b * weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A caller in the middle of so many that it calls.
    fn fan(called: usize) -> Layout {
        let row = |number: usize| 28.0 + number as f64 * (HEIGHT + 26.0);
        let middle = row(called / 2);
        let mut nodes = vec![(28.0, middle)];
        nodes.extend((0..called).map(|number| (28.0 + WIDTH + 112.0, row(number))));
        let start = (28.0 + WIDTH, middle + HEIGHT / 2.0);
        let edge = |(x, y): &(f64, f64)| vec![start, (*x, y + HEIGHT / 2.0)];
        let edges = nodes.iter().skip(1).map(edge).collect();
        Layout { width: 1000.0, height: 1000.0, nodes, edges }
    }

    #[test]
    fn figures_of_all_edges_have_a_place_where_they_hide_nothing() {
        let layout = fan(40);
        let labels = labels(&layout, &[12; 40]);
        assert!(labels.iter().all(|label| label.is_free));
        for (number, one) in labels.iter().enumerate() {
            for other in &labels[number + 1..] {
                assert!((one.x - other.x).abs() >= one.width || (one.y - other.y).abs() >= TALL);
            }
            let hides = |(x, y): &(f64, f64)| {
                one.x + one.width / 2.0 > *x
                    && one.x - one.width / 2.0 < x + WIDTH
                    && one.y + TALL / 2.0 > *y
                    && one.y - TALL / 2.0 < y + HEIGHT
            };
            assert!(!layout.nodes.iter().any(hides), "{one:?}");
        }
    }

    #[test]
    fn what_has_no_place_is_for_those_who_ask_and_has_one_all_the_same() {
        let mut layout = fan(1);
        layout.edges = vec![layout.edges[0].clone(); 3];
        let labels = labels(&layout, &[12; 3]);
        assert_eq!(labels.iter().map(|label| label.is_free).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!((labels[2].x, labels[2].y), (labels[0].x, labels[0].y));
    }
}
